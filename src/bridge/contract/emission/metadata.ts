import { TYPESCRIPT_ONLY_KEYWORD } from './exception.js';
import { isReserved } from './keywords.js';

/** The first keyword in the metadata of a schema that would be emitted as if zod checked it. */
export function smuggledKeyword(metadata: object): string | undefined {
  return Object.keys(metadata).find((key) => isReserved(key) || key === TYPESCRIPT_ONLY_KEYWORD);
}

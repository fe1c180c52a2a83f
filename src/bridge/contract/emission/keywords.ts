/** Keywords whose value is a schema, or schemas. */
const APPLICATORS = [
  ...['allOf', 'anyOf', 'oneOf', 'not', 'if', 'then', 'else', 'properties', 'patternProperties', 'propertyNames'],
  ...['additionalProperties', 'unevaluatedProperties', 'dependentSchemas', 'items', 'prefixItems', 'contains'],
  ...['unevaluatedItems'],
];

/** Keywords that demand something of a value by themselves. */
const ASSERTIONS = [
  ...['type', 'enum', 'const', 'multipleOf', 'maximum', 'exclusiveMaximum', 'minimum', 'exclusiveMinimum'],
  ...['maxLength', 'minLength', 'pattern', 'maxItems', 'minItems', 'uniqueItems', 'maxContains', 'minContains'],
  ...['maxProperties', 'minProperties', 'required', 'dependentRequired'],
];

/** Keywords that point to other schemas, in this draft or an older one. */
const REFERENCES = ['$ref', '$dynamicRef', '$recursiveRef', '$anchor', '$dynamicAnchor', '$recursiveAnchor'];

/** Keywords that readers of a schema act on all the same. */
const READ_OTHERWISE = ['default', 'format', 'contentEncoding', 'contentMediaType', 'contentSchema'];

/** Keywords that structure a document, and demands of older drafts. */
const OTHERS = ['$schema', '$id', '$defs', '$vocabulary', 'definitions', 'additionalItems', 'dependencies'];

const DEMANDING = new Set([...APPLICATORS, ...ASSERTIONS, ...REFERENCES]);
const MEANINGFUL = new Set([...DEMANDING, '$schema', '$defs', 'default', 'format', 'contentEncoding', 'readOnly']);
const KNOWN = new Set([...DEMANDING, ...READ_OTHERWISE, ...OTHERS]);

/** Whether a keyword of an emitted schema can refuse a value. */
export function isDemanding(keyword: string): boolean {
  return DEMANDING.has(keyword);
}

/** Whether a keyword of an emitted schema counts as part of what it means; the others only describe it for people. */
export function isMeaningful(keyword: string): boolean {
  return MEANINGFUL.has(keyword);
}

/** Whether a keyword belongs to JSON Schema and does more than describe: metadata must not set it. */
export function isReserved(keyword: string): boolean {
  return KNOWN.has(keyword);
}

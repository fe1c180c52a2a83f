import type { Dispatcher } from './dispatch/dispatcher.js';
import type { Check } from './routes/health.js';

/** One of the two ways to get work to Python, with everything that comes with it. */
export interface Transport {
  readonly dispatcher: Dispatcher;
  /** What it depends on, for `GET /healthz`. */
  readonly checks: Readonly<Record<string, Check>>;
  readStats(): Promise<object>;
  close(): Promise<void>;
}

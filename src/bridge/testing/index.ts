/** For your tests: a queue that checks and remembers what is added to it, without Redis. */

export { expectEnqueued } from './expect-enqueued.js';
export { type EnqueuedJob, type FakeJobQueue, fakeJobQueue } from './fake-job-queue.js';

/** Thrown when work is asked for on a batch or a document that does not exist. */
export class NotFound extends Error {
  override readonly name = 'NotFound';
}

/** Thrown when a batch is in a state in which the work that was asked for makes no sense. */
export class WrongState extends Error {
  override readonly name = 'WrongState';
}

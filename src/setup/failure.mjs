/**
 * Something that the person at the terminal has to put right. Its message is one line that says what is wrong and what
 * to do; `details` (the end of a tool's output) is shown under it. Ends the command with exit code 1, without a stack.
 */
export class SetupFailure extends Error {
  /**
   * @param {string} message one line: what is wrong and what to do
   * @param {string} [details] several lines, shown as they are
   */
  constructor(message, details = '') {
    super(message);
    this.name = 'SetupFailure';
    this.details = details;
  }
}

/** The command was called or configured wrongly; ends it with exit code 2. */
export class CliError extends Error {
  override readonly name = 'CliError';
}

/**
 * What is wrong with the demo's batch, if anything. Its archive holds two documents that cannot be read, in the folder
 * `broken`; all others have to be completed.
 *
 * @param {import('./batch-api.mjs').Batch} batch
 * @returns {string[]} a line for each problem
 */
export function problemsOf(batch) {
  const problems = [];
  if (batch.status !== 'completed_with_errors') {
    problems.push(`the batch is ${batch.status} (${batch.reason ?? 'no reason given'}), not completed_with_errors`);
  }
  if (!batch.report) problems.push('the batch has no report');
  const broken = batch.files.filter(({ name }) => name.startsWith('broken/'));
  const good = batch.files.filter((file) => !broken.includes(file));
  if (broken.length !== 2) problems.push(`${broken.length} files in broken/, not 2`);
  if (good.length === 0) problems.push('no readable file at all');
  for (const { name, status, reason } of broken) {
    if (status !== 'failed') problems.push(`${name} is ${status}, not failed`);
    else if (!reason) problems.push(`${name} failed without a reason`);
  }
  for (const { name, status, reason } of good) {
    if (status !== 'completed') problems.push(`${name} is ${status} (${reason ?? 'no reason given'}), not completed`);
  }
  return problems;
}

/** The oldest Node that runs this project (`engines` in package.json). */
export const OLDEST_NODE = '20.19.0';

/** The oldest Python that runs this project (`requires-python` in python-client/pyproject.toml). */
export const OLDEST_PYTHON = '3.10.0';

/**
 * Whether a dotted version is at least another one. Suffixes such as `rc1` or `-nightly` are ignored.
 *
 * @param {string} version
 * @param {string} oldest
 * @returns {boolean}
 */
export function isAtLeast(version, oldest) {
  const have = numbers(version);
  for (const [i, need] of numbers(oldest).entries()) {
    const part = have[i] || 0;
    if (part !== need) return part > need;
  }
  return true;
}

/**
 * What is wrong with this Node, or nothing.
 *
 * @param {string} version as in `process.versions.node`
 * @returns {string | undefined} one line with the remedy
 */
export function nodeProblem(version) {
  if (isAtLeast(version, OLDEST_NODE)) return undefined;
  return `Node ${version} is too old: install Node ${OLDEST_NODE} or newer (any current release of Node will do).`;
}

/** @param {string} version @returns {number[]} */
function numbers(version) {
  return version.split('.', 3).map((part) => Number.parseInt(part, 10) || 0);
}

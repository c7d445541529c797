// Just enough to check with, in node and in a browser alike.

function fail(what) {
  throw new Error(what);
}

const plain = (value) => JSON.stringify(value, (_, part) => (ArrayBuffer.isView(part) ? Array.from(part) : part));

export function equal(found, wanted) {
  if (plain(found) !== plain(wanted)) fail(`${plain(found)} is not ${plain(wanted)}`);
}

export function close(found, wanted, within = 1e-6) {
  if (!(Math.abs(found - wanted) <= within)) fail(`${found} is not within ${within} of ${wanted}`);
}

export function throws(action, kind) {
  try {
    action();
  } catch (error) {
    if (error instanceof kind) return;
    throw error;
  }
  fail(`no ${kind.name} was thrown`);
}

// The server's HTTP doors. Addresses are relative to the page, so that it may be served below any path; a page that lies
// deeper than the server's root says where that is: <html data-server="../">.

/** The full address of one of the server's paths. */
export function address(path) {
  return new URL(path, new URL(document.documentElement.dataset.server ?? "./", document.baseURI));
}

/** An answer of the server that is not what was asked for. */
export class ServerError extends Error {
  /**
   * @param {string} message what the server said, in words for people
   * @param {{code?: string, status?: number, retryAfter?: number}} about retryAfter in seconds
   */
  constructor(message, { code = "", status = 0, retryAfter = 0 } = {}) {
    super(message);
    this.name = "ServerError";
    this.code = code;
    this.status = status;
    this.retryAfter = retryAfter;
  }
}

async function refusal(response) {
  const body = await response.json().catch(() => ({}));
  return new ServerError(body?.error?.message ?? "", {
    code: body?.error?.code ?? "",
    status: response.status,
    retryAfter: Number(response.headers.get("Retry-After")) || 0,
  });
}

/** As fetch. @throws {ServerError} for every answer that is not a success, and for none */
export async function ask(url, options) {
  let response;
  try {
    response = await fetch(url, options);
  } catch {
    throw new ServerError("", { code: "unreachable" });
  }
  if (!response.ok) throw await refusal(response);
  return response;
}

/** @returns {Promise<{personas: {id: string, name: string, about: string, greeting: string, portrait: string}[], default: string}>} */
export async function listPersonas() {
  return (await ask(address("v1/flashback/personas"))).json();
}

/** @returns {Promise<{documents: {document: string, title: string}[], suggestions: string[]}>} */
export async function listDocuments(persona) {
  const url = address("v1/flashback/documents");
  url.searchParams.set("persona", persona);
  return (await ask(url)).json();
}

/**
 * Open a call: offer in, answer out (OpenAI Realtime GA shape).
 * @param {string} offer SDP
 * @param {{persona: string, greet: boolean, blendshapes?: boolean}} wanted greet: the avatar says its greeting first;
 *   blendshapes: its face is sent as numbers too (`flashback.blendshapes`)
 * @returns {Promise<{sdp: string, location: string}>} location: what to DELETE on leaving, "" when the server named none
 * @throws {ServerError} status 503 and retryAfter when the server is full
 */
export async function createCall(offer, { persona, greet, blendshapes }) {
  const form = new FormData();
  form.set("sdp", offer);
  form.set("session", JSON.stringify({ type: "realtime", persona, flashback: { greet, blendshapes } }));
  const calls = address("v1/realtime/calls");
  const response = await ask(calls, { method: "POST", body: form });
  const location = response.headers.get("Location");
  return { sdp: await response.text(), location: location ? new URL(location, calls).href : "" };
}

/** End a call. Also works while the page is being closed. */
export function deleteCall(location) {
  if (location) fetch(location, { method: "DELETE", keepalive: true }).catch(() => {});
}

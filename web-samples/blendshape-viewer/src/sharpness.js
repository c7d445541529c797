// How many pixels to draw: as many as the screen has, fewer on a machine that cannot keep up.

const WINDOW = 7;
const SLOW_MS = 36;
const GOAL_MS = 28;
const LEAST = 0.5;
const SOFTWARE = 0.6;
const MOST = 2;

export class Sharpness {
  #fixed;
  #spans = [];
  #last = null;

  /** Device pixels per CSS pixel. */
  ratio;

  /**
   * @param {number} screen the screen's own ratio
   * @param {{fixed?: boolean, software?: boolean}} machine fixed: leave it there, however slow it is; software: it has no
   *   graphics card
   */
  constructor(screen, { fixed = false, software = false } = {}) {
    this.ratio = software && !fixed ? SOFTWARE : Math.min(MOST, screen);
    this.#fixed = fixed;
  }

  /** Pictures a second; null before there were enough. */
  get rate() {
    if (this.#spans.length < 2) return null;
    return (1000 * this.#spans.length) / this.#spans.reduce((sum, span) => sum + span, 0);
  }

  /** Drawing paused, so the next span says nothing. */
  pause() {
    this.#last = null;
    this.#spans = [];
  }

  /** A picture was drawn at `now` milliseconds. @returns {boolean} whether the ratio changed */
  drawn(now) {
    if (this.#last !== null) this.#spans.push(now - this.#last);
    this.#last = now;
    if (this.#spans.length < WINDOW) return false;
    const usual = [...this.#spans].sort((a, b) => a - b)[WINDOW >> 1];
    this.#spans.shift();
    if (this.#fixed || usual < SLOW_MS || this.ratio <= LEAST) return false;
    this.ratio = Math.max(LEAST, this.ratio * Math.max(0.6, Math.sqrt(GOAL_MS / usual)));
    this.#spans = [];
    return true;
  }
}

/** What draws in 3D here: "hardware", "software" (no graphics card), or "nothing". */
export function graphics() {
  const gl = document.createElement("canvas").getContext("webgl2");
  if (!gl) return "nothing";
  const names = gl.getExtension("WEBGL_debug_renderer_info");
  const renderer = names ? gl.getParameter(names.UNMASKED_RENDERER_WEBGL) : "";
  gl.getExtension("WEBGL_lose_context")?.loseContext();
  return /swiftshader|llvmpipe|software|basic render/i.test(renderer) ? "software" : "hardware";
}

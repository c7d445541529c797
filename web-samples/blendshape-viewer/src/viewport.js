// The picture: a canvas that fits its place, the head of the persona chosen, and keys and buttons to look around.

import { byId } from "../../minimal-webrtc-client/elements.js";
import { HeadError, loadHead } from "./head.js";
import { graphics, Sharpness } from "./sharpness.js";
import { Studio } from "./studio.js";

const KEYS = { ArrowLeft: [-1, 0, 0], ArrowRight: [1, 0, 0], ArrowUp: [0, 1, 0], ArrowDown: [0, -1, 0], "+": [0, 0, 1], "=": [0, 0, 1], "-": [0, 0, -1] };

/** Events: `lost` and `found` (the graphics card went away, and came back). */
export class Viewport extends EventTarget {
  #canvas = byId("view");
  #studio = null;
  #head = null;
  #wanted = "";
  #sharpness;
  #smooth;

  constructor() {
    super();
    const fixed = new URLSearchParams(location.search).get("sharp") === "1";
    const kind = graphics();
    this.#sharpness = new Sharpness(devicePixelRatio, { fixed, software: kind === "software" });
    if (kind === "nothing") return;
    this.#smooth = fixed || kind === "hardware";
    this.#studio = new Studio(this.#canvas, { smooth: this.#smooth });
    new ResizeObserver(() => this.#fit()).observe(byId("scene"));
    this.#canvas.addEventListener("webglcontextlost", () => this.dispatchEvent(new Event("lost")));
    this.#canvas.addEventListener("webglcontextrestored", () => this.dispatchEvent(new Event("found")));
    this.#canvas.onkeydown = (event) => {
      if (event.key === "Home") this.#studio.home();
      else if (KEYS[event.key] && !event.ctrlKey && !event.metaKey) this.#studio.move(...KEYS[event.key]);
      else return;
      event.preventDefault();
    };
    this.#canvas.ondblclick = () => this.#studio.home();
    document.addEventListener("visibilitychange", () => this.#sharpness.pause());
    byId("home").onclick = () => this.#studio.home();
  }

  /** Pictures of a head that were drawn. */
  drawn = 0;

  /** Whether this browser can draw in 3D. */
  get usable() {
    return this.#studio !== null;
  }

  /** Pictures a second; null while unknown. */
  get rate() {
    return this.#sharpness.rate;
  }

  /**
   * Show a head instead of the one before, which stays until the new one is there.
   * @param {string} url
   * @param {(share: number) => void} progress 0..1
   * @throws {HeadError} when it cannot be loaded or drawn
   */
  async show(url, progress) {
    this.#wanted = url;
    let head;
    try {
      head = await loadHead(url, progress, { smooth: this.#smooth });
    } catch (error) {
      if (url === this.#wanted) this.#replace(null);
      throw error instanceof HeadError ? error : new HeadError(String(error?.message ?? error));
    }
    if (url !== this.#wanted) return head.dispose();
    this.#replace(head);
  }

  /** Draw the face. @param {Float32Array} weights @param {{pitch: number, yaw: number, roll: number}} pose radians */
  draw(weights, pose, now) {
    if (!this.#head) return;
    this.#head.wear(weights);
    this.#head.turn(pose.pitch, pose.yaw, pose.roll);
    this.#studio.draw();
    this.drawn += 1;
    if (this.#sharpness.drawn(now)) this.#fit();
  }

  #replace(head) {
    this.#head?.dispose();
    this.#head = head;
    this.#studio.head = head;
    this.#sharpness.pause();
    this.#fit();
  }

  #fit() {
    const { clientWidth: width, clientHeight: height } = byId("scene");
    if (!width || !height) return;
    this.#studio.resize(width, height, this.#sharpness.ratio);
    // Another size empties the canvas; the browser shows it before it asks for the next picture.
    if (this.#head) this.#studio.draw();
  }
}

// The picture: portrait before the first frame, then the video, and the last frame when there is trouble. Never black.

const LEVEL_STEP = 0.04;

export class Stage {
  #poster;
  #video;
  #still;
  #picture;
  #lights;
  #onFrame;
  #watching = 0;
  #loudness = null;
  #level = 0;
  #shown = 0;

  /**
   * @param {{picture: HTMLElement, poster: HTMLImageElement, video: HTMLVideoElement, still: HTMLCanvasElement}} parts
   * @param {(metadata: object) => void} onFrame called for each frame shown
   */
  constructor(parts, onFrame) {
    this.#picture = parts.picture;
    this.#lights = parts.picture.querySelectorAll(".edge, .meter i");
    this.#poster = parts.poster;
    this.#video = parts.video;
    this.#still = parts.still;
    this.#onFrame = onFrame;
  }

  /** The portrait shown until the first frame. */
  portrait(url, name) {
    this.#poster.src = url;
    this.#poster.alt = `Portrait of ${name}`;
    this.#video.setAttribute("aria-label", `Live picture of ${name}`);
  }

  /**
   * Play a call's stream. Resolves when its first frame is on the screen.
   * @throws {DOMException} NotAllowedError when the browser wants another tap first
   */
  async play(stream) {
    this.#video.srcObject = stream;
    const first = this.#watch();
    await this.#video.play();
    await first;
    this.#picture.dataset.live = "";
    this.#still.removeAttribute("data-shown");
  }

  /** Keep what is seen now on the screen, whatever becomes of the stream. */
  hold() {
    if (!("live" in this.#picture.dataset) || !this.#video.videoWidth) return;
    this.#still.width = this.#video.videoWidth;
    this.#still.height = this.#video.videoHeight;
    this.#still.getContext("2d").drawImage(this.#video, 0, 0);
    this.#still.setAttribute("data-shown", "");
  }

  /** Back to the portrait. */
  reset() {
    this.#watching += 1;
    this.#still.removeAttribute("data-shown");
    delete this.#picture.dataset.live;
    this.#video.srcObject = null;
  }

  /**
   * Let the ring and the small meter follow a loudness while it is wanted.
   * @param {(() => number) | null} loudness 0..1; null lets them rest
   */
  follow(loudness) {
    this.#loudness = matchMedia("(prefers-reduced-motion: reduce)").matches ? null : loudness;
    this.#level = 0;
    this.#glow(0);
  }

  // In step with the frames: the browser draws anyway then.
  #pulse() {
    if (!this.#loudness) return;
    const now = this.#loudness();
    this.#level = now > this.#level ? now : this.#level * 0.8 + now * 0.2;
    if (Math.abs(this.#level - this.#shown) >= LEVEL_STEP) this.#glow(this.#level);
  }

  #glow(level) {
    this.#shown = level;
    for (const light of this.#lights) light.style.setProperty("--level", level.toFixed(2));
  }

  #watch() {
    const turn = ++this.#watching;
    const video = this.#video;
    if (!video.requestVideoFrameCallback) {
      return new Promise((resolve) => video.addEventListener("playing", resolve, { once: true }));
    }
    return new Promise((resolve) => {
      const each = (_now, metadata) => {
        if (turn !== this.#watching) return;
        video.requestVideoFrameCallback(each);
        resolve();
        this.#pulse();
        this.#onFrame(metadata);
      };
      video.requestVideoFrameCallback(each);
    });
  }
}

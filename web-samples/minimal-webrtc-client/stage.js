// The picture: portrait before the first frame, then the video, and the last frame when there is trouble. Never black.

const RING_HZ = 15;

export class Stage {
  #poster;
  #video;
  #still;
  #picture;
  #lights;
  #onFrame;
  #watching = 0;
  #ring = 0;

  /**
   * @param {{picture: HTMLElement, poster: HTMLImageElement, video: HTMLVideoElement, still: HTMLCanvasElement}} parts
   * @param {(metadata: object) => void} onFrame called for each frame shown
   */
  constructor(parts, onFrame) {
    this.#picture = parts.picture;
    this.#lights = parts.picture.querySelectorAll(".halo, .edge");
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
   * Let the ring follow a loudness while it is wanted.
   * @param {(() => number) | null} loudness 0..1; null lets the ring rest
   */
  follow(loudness) {
    clearInterval(this.#ring);
    this.#glow(0);
    if (!loudness || matchMedia("(prefers-reduced-motion: reduce)").matches) return;
    let level = 0;
    let shown = 0;
    this.#ring = setInterval(() => {
      const now = loudness();
      level = now > level ? now : level * 0.75 + now * 0.25;
      if (Math.abs(level - shown) < 0.03) return;
      shown = level;
      this.#glow(level);
    }, 1000 / RING_HZ);
  }

  #glow(level) {
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
        this.#onFrame(metadata);
      };
      video.requestVideoFrameCallback(each);
    });
  }
}

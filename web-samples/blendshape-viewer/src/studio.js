// Where the head stands: renderer, light and camera. Metres; the origin lies between the eyes, z towards the viewer.

import {
  ACESFilmicToneMapping,
  BackSide,
  Color,
  DirectionalLight,
  FrontSide,
  MathUtils,
  Mesh,
  MeshBasicMaterial,
  PCFShadowMap,
  PerspectiveCamera,
  PlaneGeometry,
  PMREMGenerator,
  Scene,
  SphereGeometry,
  SpotLight,
  SRGBColorSpace,
  Vector3,
  WebGLRenderer,
} from "three";
import { OrbitControls } from "three/examples/jsm/controls/OrbitControls.js";

const LOOK_AT = new Vector3(0, -0.028, -0.03);
const EYE = new Vector3(0.07, 0, 1);
const FOV = 21;
// Narrower than this, the picture's width decides how much is seen.
const FACE_ASPECT = 0.8;
const TURN = MathUtils.degToRad(38);
const STEP = MathUtils.degToRad(6);
const CLOSER = 0.88;
const DAMPING = 0.12;

export class Studio {
  #renderer;
  #scene = new Scene();
  #camera = new PerspectiveCamera(FOV, 1, 0.1, 10);
  #controls;
  #shown = null;

  /**
   * @param {HTMLCanvasElement} canvas
   * @param {{smooth: boolean}} look smooth: edges are drawn with several samples, and shadows follow the face; both cost time
   */
  constructor(canvas, { smooth }) {
    this.#renderer = new WebGLRenderer({ canvas, antialias: smooth, alpha: true });
    this.#renderer.outputColorSpace = SRGBColorSpace;
    this.#renderer.toneMapping = ACESFilmicToneMapping;
    this.#renderer.toneMappingExposure = 0.95;
    this.#renderer.shadowMap.enabled = true;
    this.#renderer.shadowMap.type = PCFShadowMap;
    this.#renderer.shadowMap.autoUpdate = smooth;
    this.#scene.environment = softboxes(this.#renderer);
    this.#scene.environmentIntensity = 0.75;
    this.#scene.add(...lights());
    this.#controls = orbit(this.#camera, canvas);
    this.home();
  }

  /** Put a head on the stage instead of the one before; null leaves it empty. @param {import("./head.js").Head | null} head */
  set head(head) {
    if (this.#shown) this.#scene.remove(this.#shown);
    this.#shown = head?.scene ?? null;
    if (this.#shown) this.#scene.add(this.#shown);
    this.#renderer.shadowMap.needsUpdate = true;
  }

  /** Look at the face straight on. */
  home() {
    this.#camera.position.copy(EYE);
    this.#controls.target.copy(LOOK_AT);
    this.#controls.update();
  }

  /** Turn the view by steps to the right and up, and go closer by steps. */
  move(right, up, closer) {
    const way = this.#camera.position.clone().sub(LOOK_AT);
    const { minPolarAngle: high, maxPolarAngle: low, maxAzimuthAngle: far, minDistance, maxDistance } = this.#controls;
    const azimuth = MathUtils.clamp(Math.atan2(way.x, way.z) + right * STEP, -far, far);
    const polar = MathUtils.clamp(Math.acos(way.y / way.length()) - up * STEP, high, low);
    const distance = MathUtils.clamp(way.length() * CLOSER ** closer, minDistance, maxDistance);
    this.#camera.position.setFromSphericalCoords(distance, polar, azimuth).add(LOOK_AT);
    this.#controls.update();
  }

  /** Size in CSS pixels, and device pixels for each. */
  resize(width, height, ratio) {
    this.#renderer.setPixelRatio(ratio);
    this.#renderer.setSize(width, height, false);
    this.#camera.aspect = width / height;
    const half = Math.tan(MathUtils.degToRad(FOV / 2)) * Math.max(1, FACE_ASPECT / this.#camera.aspect);
    this.#camera.fov = MathUtils.radToDeg(2 * Math.atan(half));
    this.#camera.updateProjectionMatrix();
  }

  draw() {
    this.#controls.update();
    this.#renderer.render(this.#scene, this.#camera);
  }
}

function orbit(camera, canvas) {
  const controls = new OrbitControls(camera, canvas);
  controls.enablePan = false;
  controls.enableDamping = true;
  controls.dampingFactor = DAMPING;
  controls.rotateSpeed = 0.55;
  controls.zoomSpeed = 0.6;
  controls.minDistance = 0.5;
  controls.maxDistance = 1.7;
  controls.minAzimuthAngle = -TURN;
  controls.maxAzimuthAngle = TURN;
  controls.minPolarAngle = MathUtils.degToRad(68);
  controls.maxPolarAngle = MathUtils.degToRad(104);
  return controls;
}

// A soft key from above left, a cool rim from behind on the other side, a faint warm one on this side.
function lights() {
  const key = new SpotLight("#ffedd8", 7.2, 0, 0.35, 0.8, 2);
  key.position.set(-0.9, 0.75, 1.35);
  key.target.position.set(0, -0.05, 0);
  key.castShadow = true;
  key.shadow.mapSize.set(1024, 1024);
  key.shadow.radius = 6;
  key.shadow.bias = -0.0004;
  key.shadow.normalBias = 0.003;
  const rim = new DirectionalLight("#b9d0ff", 1.3);
  rim.position.set(0.6, 0.7, -1.6);
  const warm = new DirectionalLight("#ffd9b8", 0.7);
  warm.position.set(-0.7, 0.5, -1.6);
  return [key, key.target, rim, warm];
}

// What surrounds the head, for fill and for reflections in eyes and hair: a dark room with large lamps.
function softboxes(renderer) {
  const room = new Scene();
  const paint = (color, power, side = FrontSide) => new MeshBasicMaterial({ color: new Color(color).multiplyScalar(power), side });
  room.add(new Mesh(new SphereGeometry(5, 24, 16), paint("#5b6068", 1, BackSide)));
  const lamp = (place, width, height, color, power) => {
    const mesh = new Mesh(new PlaneGeometry(width, height), paint(color, power));
    mesh.position.set(...place);
    mesh.lookAt(0, 0, 0);
    room.add(mesh);
  };
  lamp([-2.2, 1.8, 2.8], 1.6, 1.6, "#fff3e4", 14);
  lamp([2.6, 0.4, 2.4], 2, 2.6, "#ffe9da", 4);
  lamp([0, 4, 0], 3, 3, "#ffffff", 2.5);
  lamp([0, -4, 1], 4, 3, "#ffdcc8", 0.5);
  const maker = new PMREMGenerator(renderer);
  const { texture } = maker.fromScene(room, 0.02);
  maker.dispose();
  room.traverse(({ geometry, material }) => [geometry, material].forEach((part) => part?.dispose()));
  return texture;
}

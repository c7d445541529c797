// What the viewer's pure parts do. Each case throws when it does not hold.

import * as clips from "./cases-clip.js";
import * as faces from "./cases-face.js";
import * as wire from "./cases-wire.js";

export const cases = { ...wire.cases, ...clips.cases, ...faces.cases };

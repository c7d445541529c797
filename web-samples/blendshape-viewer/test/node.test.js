// node --test: the cases under node. tests/unit/web runs the same in Chromium.

import test from "node:test";

import { cases } from "./cases.js";

for (const [name, check] of Object.entries(cases)) test(name, check);

// Who to talk with: the switch at the top, and the greeting page.

import { byId, make } from "./elements.js";

/** The persona this address asks for, "" when it asks for none. */
export function wantedPersona() {
  return new URLSearchParams(location.search).get("persona") ?? "";
}

/** Note the persona in the address, so that it can be shared. */
export function rememberPersona(id) {
  const url = new URL(location.href);
  url.searchParams.set("persona", id);
  history.replaceState(null, "", url);
}

/**
 * Draw the switch.
 * @param {{id: string, name: string, portrait: string}[]} personas
 * @param {string} current id
 * @param {(id: string) => void} choose
 */
export function drawSwitch(personas, current, choose) {
  const group = byId("personas");
  group.hidden = personas.length < 2;
  const options = personas.map(({ id, name, portrait }) => {
    const chosen = id === current;
    const face = make("img", { src: portrait, alt: "", width: "28", height: "28" });
    const option = make(
      "button",
      { type: "button", role: "radio", "aria-checked": String(chosen), "data-id": id, tabindex: chosen ? "0" : "-1" },
      face,
      make("span", { text: name }),
    );
    option.onclick = () => {
      if (!chosen) choose(id);
    };
    return option;
  });
  group.onkeydown = ({ key }) => {
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[key];
    if (!step) return;
    const at = personas.findIndex(({ id }) => id === current);
    choose(personas[(at + step + personas.length) % personas.length].id);
    byId("personas").querySelector('[aria-checked="true"]')?.focus();
  };
  group.replaceChildren(...options);
}

/** Fill the greeting page and what the persona knows. */
export function introduce(persona) {
  byId("persona-name").textContent = persona.name;
  byId("persona-about").textContent = `Ask me about ${persona.about}.`;
  byId("knows-title").textContent = `Ask ${persona.name}`;
  byId("question").placeholder = `Ask ${persona.name} a question`;
  document.title = `${persona.name}: talk with an avatar`;
}

/**
 * Fill the example questions and the list of documents.
 * @param {{documents: {document: string, title: string}[], suggestions: string[]}} knowledge
 * @param {(question: string) => void} ask
 */
export function showKnowledge({ documents, suggestions }, name, ask) {
  byId("suggestions").replaceChildren(
    ...suggestions.map((text) => {
      const chip = make("button", { type: "button", class: "chip", text });
      chip.onclick = () => ask(text);
      return chip;
    }),
  );
  const count = documents.length;
  byId("documents-title").textContent = count
    ? `${name} answers only from ${count === 1 ? "one document" : `these ${count} documents`}`
    : `${name} has no documents yet`;
  byId("documents").replaceChildren(...documents.map(({ title }) => make("li", { text: title })));
}

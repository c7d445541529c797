// Server-sent events, as the HTML standard defines them: `data:` lines up to an empty line, ended by LF, CR or CRLF.

export class EventParser {
  #rest = "";
  #data = [];
  #name = "";

  /**
   * Take the next piece of the stream, wherever it was cut.
   * @param {string} text
   * @returns {{name: string, data: string}[]} the events that are whole now; name is "message" where none was given
   */
  push(text) {
    const lines = (this.#rest + text).split(/\r\n|\n|\r(?!$)/);
    this.#rest = lines.pop();
    return lines.flatMap((line) => this.#line(line));
  }

  #line(line) {
    if (line === "") return this.#end();
    const [, field, value] = /^([^:]*):? ?(.*)$/s.exec(line);
    if (field === "data") this.#data.push(value);
    if (field === "event") this.#name = value;
    return [];
  }

  #end() {
    const event = { name: this.#name || "message", data: this.#data.join("\n") };
    const whole = this.#data.length > 0;
    this.#data = [];
    this.#name = "";
    return whole ? [event] : [];
  }
}

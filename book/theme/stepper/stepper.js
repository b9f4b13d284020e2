/* stepper.js: <trap-stepper>, a recording of a machine that the reader steps
   through, forwards and backwards.

   The element holds the stack at each moment, for those without JavaScript and
   for paper. The page loads this file together with two constants: STYLE, which
   is stepper.css, and RECORDINGS, which filters/stepper.lua makes: by the id of
   the figure around the element,

     registers   their names, in the order to show them in
     digits      of an address on the stack that tell it from the others
     files       [name, address, first line, HTML, first line, HTML ...]
     moments     [title, step, name]
     steps       [place, instruction, file, line, {register: value},
                  [[address, value, name, who pushed it]], note, ran as a whole]

   A step is the machine before its instruction runs, and has only what differs
   from the step before it. All values are hexadecimal, "0x1f". */

const FLAGS = ["CF", , "PF", , "AF", , "ZF", "SF", "TF", "IF", "DF", "OF", , ,
  "NT", , "RF", "VM", "AC", "VIF", "VIP", "ID"];
const ICONS = { first: "M4 3v10M12 3 7 8l5 5", previous: "M10 3 5 8l5 5",
  next: "M6 3l5 5-5 5", last: "M4 3l5 5-5 5M12 3v10" };
const WORD = 8n;
const FAR = 256n * WORD;  // rsp moves less on one stack

const escape = text => text.replace(/[&<>"]/g, c => `&#${c.charCodeAt()};`);
const code = text => `<code>${escape(text)}</code>`;
const symbol = place => place.split("+")[0];
const list = words => words.length < 2 ? words.join("")
  : words.slice(0, -1).join(", ") + " and " + words.at(-1);

function flags(value) {
  return FLAGS.filter((name, bit) => BigInt(value) >> BigInt(bit) & 1n);
}

/* The machine before each step: all registers, all words of the stack, and which
   of them are news. */
function play(steps, names) {
  let registers = {}, words = new Map();
  return steps.map(([place, instruction, file, line, set, stack, note, whole], i) => {
    registers = { ...registers, ...set };
    words = new Map(words);
    for (const [address, ...word] of stack) words.set(address, word);
    const changed = i ? names.filter(name => name in set) : [];
    const written = i ? stack.map(word => word[0]) : [];
    return { place, instruction, file, line, note, whole, registers, words,
      changed, written, rsp: BigInt(registers.rsp) };
  });
}

/* One sentence on what the instruction before this step did. */
function sentence(now, last) {
  if (!last) return now.note || "Nothing has run yet.";
  const did = faulted(now, last) ? "has raised an exception"
    : "has run" + (last.whole ? ", with all that it calls" : "");
  return `${code(last.instruction)} ${did}`
    + (now.note ? `. ${now.note}` : `: ${effects(now, last)}.`);
}

/* Has the CPU pushed the address of the instruction itself? */
function faulted(now, last) {
  return pushed(now, last).some(([value, name]) => name == "rip" && value == last.registers.rip);
}

function isNew(address, now, last) {
  return BigInt(address) < last.rsp && BigInt(address) >= now.rsp;
}

function pushed(now, last) {
  return now.written.filter(address => isNew(address, now, last)).map(address => now.words.get(address));
}

function effects(now, last) {
  const parts = [], moved = now.rsp - last.rsp, words = pushed(now, last);
  const stored = now.written.filter(address => !isNew(address, now, last));
  const onlyMoves = /^(sub|add|and|lea|mov) rsp\b/.test(last.instruction) && !faulted(now, last);
  if (moved > FAR || moved < -FAR) {
    parts.push(`${code("rsp")} points to another stack`);
  } else if (moved > 0n) {
    parts.push(moved == WORD ? "1 word leaves the stack" : `${moved / WORD} words leave the stack`);
  } else if (moved < 0n && (onlyMoves || !words.length)) {
    parts.push(`the stack grows by ${moved == -WORD ? "1 word" : `${-moved / WORD} words`}`);
  } else if (words.length == 1) {
    const [value, name] = words[0];
    parts.push(`${code(value)} goes on the stack` + (name && `, as ${code(name)}`));
  } else if (words.length) {
    const names = words.map(([, name]) => name ? code(name) : "a word");
    parts.push(`${words.length} words go on the stack: ${list(names)}`);
  }
  for (const address of stored) {
    const word = now.words.get(address);
    parts.push(`${word[1] ? code(word[1]) + " on the stack" : "the word at " + code(address)} becomes ${code(word[0])}`);
  }
  const others = now.changed.filter(r => !["rip", "rsp", "rflags"].includes(r));
  if (others.length > 3) {
    parts.push(`${list(others.map(code))} change`);
  } else {
    for (const r of others) parts.push(`${code(r)} becomes ${code(now.registers[r])}`);
  }
  const [, popped] = last.instruction.match(/^pop (\w+)$/) || [];
  if (popped in now.registers && !others.includes(popped)) {
    parts.push(`${code(popped)} keeps ${code(now.registers[popped])}`);
  }
  const is = flags(now.registers.rflags), was = flags(last.registers.rflags);
  const set = is.filter(flag => !was.includes(flag)), clear = was.filter(flag => !is.includes(flag));
  if (set.length) parts.push(`${list(set.map(code))} set`);
  if (clear.length) parts.push(`${list(clear.map(code))} cleared`);
  if (symbol(now.place) != symbol(last.place)) parts.push(`it goes on in ${code(symbol(now.place))}`);
  return parts.join("; ") || `only ${code("rip")} changes`;
}

const button = (go, text) => `<button type="button" data-go="${go}" aria-label="${text} step">`
  + `<svg viewBox="0 0 16 16" aria-hidden="true"><path d="${ICONS[go]}"/></svg></button>`;

const panel = (name, head, body) => `<div class="${name}" role="group" aria-labelledby="ID--${name}">`
  + `<p class="head" id="ID--${name}">${head}</p>${body}</div>`;

class TrapStepper extends HTMLElement {
  connectedCallback() {
    const recording = RECORDINGS[this.parentElement.id];
    if (!recording || this.box) return;
    Object.assign(this, recording, { steps: play(recording.steps, recording.registers) });
    this.build();
    this.show(0);
    this.classList.add("live");
    this.makeRoom();
    this.follow();
    addEventListener("resize", () => this.makeRoom());
    addEventListener("hashchange", () => this.follow());
  }

  build() {
    const last = this.steps.length - 1;
    const box = document.createElement("div");
    box.className = "stepper-live";
    box.innerHTML = `<div class="bar">${button("first", "First")}${button("previous", "Previous")}
<input type="range" min="0" max="${last}" value="0" aria-label="Step">
${button("next", "Next")}${button("last", "Last")}<output></output></div>
<ol class="jumps" aria-label="Moments">${this.moments.map(([title, step]) =>
      `<li><button type="button" data-step="${step}">${escape(title)}</button></li>`).join("")}</ol>
<div class="said"><p aria-live="polite"></p></div>
${panel("source", "", '<pre tabindex="0" role="group" aria-label="Source"><code></code></pre>')}
${panel("registers", "Registers", `<ul>${this.registers.map(r =>
      `<li data-r="${r}"><b>${r}</b> <code></code></li>`).join("")}</ul>`)}
${panel("stack", "Stack, growing down", '<div class="words" tabindex="0" role="group" aria-label="Words of the stack"><table></table></div>')}`
      .replaceAll("ID-", this.parentElement.id);
    this.prepend(box);
    const find = selector => box.querySelector(selector);
    Object.assign(this, { box, slider: find("input"), output: find("output"),
      said: find(".said p"), head: find(".source .head"), pre: find("pre"),
      words: find(".words"), table: find("table"),
      cells: [...box.querySelectorAll("[data-r]")], jumps: [...box.querySelectorAll("[data-step]")] });
    this.sentences = this.steps.map((step, i) => sentence(step, this.steps[i - 1]));
    this.reserve();
    this.layStack();
    box.addEventListener("click", event => this.clicked(event.target.closest("button")));
    box.addEventListener("keydown", event => this.pressed(event));
    this.slider.addEventListener("input", () => this.show(+this.slider.value));
  }

  /* Where it is so wide that it reaches into the margin, below the notes there. */
  makeRoom() {
    const figure = this.parentElement;
    figure.style.marginTop = "";
    const { top, right } = this.box.getBoundingClientRect();
    let low = top;
    for (const note of document.querySelectorAll(".sidenote")) {
      const { left, bottom } = note.getBoundingClientRect();
      if (left < right && note.compareDocumentPosition(this) & 4) low = Math.max(low, bottom + 16);
    }
    if (low > top) figure.style.marginTop = `${parseFloat(getComputedStyle(figure).marginTop) + low - top}px`;
  }

  /* Room for the longest sentences, so that nothing moves from step to step. */
  reserve() {
    const longest = [...this.sentences].sort((a, b) => b.length - a.length).slice(0, 4);
    for (const text of longest) {
      const p = document.createElement("p");
      p.innerHTML = text;
      p.ariaHidden = "true";
      this.said.after(p);
    }
  }

  /* A row for every word that the recording ever has, from high to low. Where
     words are missing another stack begins. */
  layStack() {
    const all = new Set(this.steps.flatMap(step => [step.registers.rsp, ...step.words.keys()]));
    const addresses = [...all].sort((a, b) => BigInt(a) < BigInt(b) ? 1 : -1);
    const body = this.table.createTBody();
    let stack = 0, above;
    for (const address of addresses) {
      if (above && above - BigInt(address) > FAR) {
        body.insertRow().innerHTML = "<td>⋯</td>";
        stack++;
      }
      above = BigInt(address);
      const row = body.insertRow();
      Object.assign(row.dataset, { address, stack });
      row.innerHTML = `<th scope="row" title="${address}">…${address.slice(-this.digits)}</th><td></td><td></td><td></td>`;
    }
    this.rows = [...body.querySelectorAll("[data-address]")];
    const tops = {};
    for (const step of this.steps) {
      tops[this.rows.find(row => row.dataset.address == step.registers.rsp).dataset.stack] = step.rsp;
      step.tops = { ...tops };
    }
  }

  clicked(target) {
    const { go, step } = target?.dataset || {};
    if (step) this.show(+step);
    if (go) this.show({ first: 0, previous: this.at - 1, next: this.at + 1, last: Infinity }[go]);
  }

  /* What scrolls keeps its keys, and the slider has these itself. */
  pressed(event) {
    if (event.target.matches("pre, .words, input") || event.ctrlKey || event.altKey || event.metaKey) return;
    const to = { ArrowLeft: this.at - 1, ArrowRight: this.at + 1, Home: 0, End: Infinity }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    this.show(to);
  }

  /* A link to a moment, "#fig-x-iretq", goes there. */
  follow() {
    const moment = this.moments.find(([, , name]) => location.hash == `#${this.parentElement.id}-${name}`);
    if (!moment) return;
    this.show(moment[1]);
    this.scrollIntoView();
  }

  show(step) {
    const last = this.steps.length - 1;
    this.at = Math.max(0, Math.min(last, step));
    const now = this.steps[this.at];
    this.slider.value = this.at;
    this.slider.ariaValueText = `${this.at} of ${last}`;
    this.output.textContent = `${this.at}/${last}`;
    this.said.innerHTML = this.sentences[this.at];
    for (const b of this.box.querySelectorAll("[data-go]")) {
      b.ariaDisabled = String(this.at == (/first|prev/.test(b.dataset.go) ? 0 : last));
    }
    const reached = this.jumps.findLast(b => +b.dataset.step <= this.at);
    for (const b of this.jumps) b.ariaCurrent = b == reached ? "step" : "false";
    this.showSource(now);
    this.showRegisters(now);
    this.showStack(now);
  }

  showSource({ place, instruction, file, line }) {
    const [name, address, ...runs] = this.files[file] || ["", ""];
    this.head.innerHTML = `Next: ${code(instruction)} `
      + (name && `<a href="${address}">${name}:${line}</a> `) + escape(place);
    if (this.shown != file) {
      this.shown = file;
      let html = "";
      for (let i = 0; i < runs.length; i += 2) {
        if (i) html += '<span class="gap">\n</span>';
        html += runs[i + 1].split("\n").map((text, k) =>
          `<span data-n="${runs[i] + k}">${text}\n</span>`).join("");
      }
      this.pre.firstChild.innerHTML = html;
    }
    for (const span of this.pre.querySelectorAll("[data-n]")) {
      const here = span.dataset.n == line;
      span.classList.toggle("here", here);
      span.ariaCurrent = here ? "true" : null;
      if (here) reveal(this.pre, span, 3);
    }
  }

  showRegisters({ registers, changed }) {
    for (const cell of this.cells) {
      const name = cell.dataset.r, value = registers[name];
      cell.classList.toggle("changed", changed.includes(name));
      cell.lastChild.textContent = value;
      if (name == "rflags") cell.lastChild.textContent = [...flags(value), value].join(" ");
    }
  }

  showStack({ words, written, tops, rsp }) {
    const before = this.steps[Math.max(0, this.at - 1)].tops;
    let owner;
    for (const row of this.rows) {
      const { address, stack } = row.dataset, at = BigInt(address);
      const [value, name, who] = words.get(address) || ["", "", ""];
      const dead = at < tops[stack], inUse = !dead && written.includes(address);
      const other = !dead && owner != undefined && who != owner;
      const is = { dead, other, rsp: at == rsp, new: inUse && at < before[stack],
        written: inUse && !(at < before[stack]), popped: dead && at >= before[stack] };
      row.className = Object.keys(is).filter(key => is[key]).join(" ");
      row.cells[1].textContent = name;
      row.cells[2].textContent = value;
      row.cells[3].textContent = dead || who == owner ? "" : who;
      if (!dead) owner = who;
      if (is.rsp) reveal(this.words, row, 2);
    }
  }
}

/* Scrolls a box, not the page, until a row of it is seen with some around it. */
function reveal(box, row, around) {
  const room = row.offsetHeight * around;
  const top = row.getBoundingClientRect().top - box.getBoundingClientRect().top + box.scrollTop;
  if (top - room < box.scrollTop) box.scrollTop = top - room;
  const bottom = top + row.offsetHeight + room;
  if (bottom > box.scrollTop + box.clientHeight) box.scrollTop = bottom - box.clientHeight;
}

document.head.append(Object.assign(document.createElement("style"), { textContent: STYLE }));
customElements.define("trap-stepper", TrapStepper);

// looks.js: what only a browser can tell of a page. Each look is a list of faults,
// a line each; site_in_browser.py takes them.

const looks = {
  // Waits until late fonts have come, and then for two frames. What has moved by itself?
  async shifts() {
    const frame = () => new Promise(requestAnimationFrame);
    await document.fonts.ready;
    await frame(), await frame();
    const seen = [];
    new PerformanceObserver(list => seen.push(...list.getEntries()))
      .observe({ type: "layout-shift", buffered: true });
    await frame(), await frame();
    const some = seen.filter(shift => shift.value >= .001);  // less is not seen
    return some.map(shift => `moves by itself (${shift.value.toFixed(4)}): `
      + shift.sources.map(source => looks.name(source.node)).join(", "));
  },

  // What makes the page wider than its window? What scrolls by itself does not.
  sticksOut() {
    const { scrollWidth, clientWidth } = document.documentElement;
    if (scrollWidth <= clientWidth) return [];
    const wide = [...document.body.querySelectorAll("*")].filter(element =>
      element.getBoundingClientRect().right > clientWidth + .5 && !looks.scroller(element));
    const inner = wide.filter(element => !wide.some(other =>
      other !== element && element.contains(other)));
    const [most] = inner.sort((a, b) =>
      b.getBoundingClientRect().right - a.getBoundingClientRect().right);
    return [`scrolls sideways, ${scrollWidth} px wide: ${looks.name(most)} sticks out`];
  },

  scroller(element) {
    for (let box = element.parentElement; box && box !== document.body; box = box.parentElement)
      if (getComputedStyle(box).overflowX !== "visible") return box;
  },

  // Letters of figures, of which axe does not look at any: too small, or too pale?
  drawn() {
    return looks.texts().flatMap(text => {
      const { a, b } = text.getScreenCTM(), style = getComputedStyle(text);
      const size = parseFloat(style.fontSize) * Math.hypot(a, b);
      const contrast = looks.contrast(looks.ink(text, style), looks.ground(text));
      return [
        size < 8.5 && `letters of ${size.toFixed(1)} px, less than 8.5: ${looks.name(text)}`,
        contrast < 4.5 && `contrast ${contrast.toFixed(2)}, less than 4.5: ${looks.name(text)}`,
      ].filter(Boolean);
    });
  },

  texts() {
    return [...document.querySelectorAll("svg text, svg tspan")].filter(text =>
      [...text.childNodes].some(node => node.nodeType === 3 && node.data.trim())
      && text.checkVisibility() && text.getBoundingClientRect().width);
  },

  // The color of an element's fill, [red, green, blue, alpha].
  ink(element, style) {
    const color = looks.color(style.fill === "none" ? "transparent" : style.fill);
    color[3] *= style.fillOpacity;
    for (let each = element; each.ownerSVGElement; each = each.parentElement)
      color[3] *= getComputedStyle(each).opacity;
    return color;
  },

  // The color below a text: the page's, and over it the shapes drawn before it.
  ground(text) {
    const { x, y, width, height } = text.getBoundingClientRect();
    const middle = new DOMPoint(x + width / 2, y + height / 2);
    let svg = text.ownerSVGElement;
    while (svg.ownerSVGElement) svg = svg.ownerSVGElement;
    const below = [...svg.querySelectorAll("rect, path, circle, ellipse, polygon")].filter(shape =>
      shape.compareDocumentPosition(text) & Node.DOCUMENT_POSITION_FOLLOWING
      && !shape.closest("defs, marker, pattern, clipPath") && shape.checkVisibility()
      && shape.isPointInFill(middle.matrixTransform(shape.getScreenCTM().inverse())));
    return below.reduce((color, shape) =>
      looks.over(looks.ink(shape, getComputedStyle(shape)), color), looks.paper(svg));
  },

  paper(element) {
    if (!element) return [255, 255, 255, 1];
    return looks.over(looks.color(getComputedStyle(element).backgroundColor),
      looks.paper(element.parentElement));
  },

  over: ([...color], below) =>
    [0, 1, 2].map(i => color[i] * color[3] + below[i] * (1 - color[3])).concat(1),

  contrast(ink, ground) {
    const [dark, light] = [looks.over(ink, ground), ground].map(looks.luminance)
      .sort((a, b) => a - b);
    return (light + .05) / (dark + .05);
  },

  luminance: color => [.2126, .7152, .0722].reduce((sum, weight, i) => {
    const part = color[i] / 255;
    return sum + weight * (part <= .04045 ? part / 12.92 : ((part + .055) / 1.055) ** 2.4);
  }, 0),

  // Any color of CSS as numbers: a canvas knows them all.
  color(css) {
    looks.canvas ??= new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });
    looks.canvas.clearRect(0, 0, 1, 1);
    looks.canvas.fillStyle = css;
    looks.canvas.fillRect(0, 0, 1, 1);
    const [red, green, blue, alpha] = looks.canvas.getImageData(0, 0, 1, 1).data;
    return [red, green, blue, alpha / 255];
  },

  name(node) {
    const element = node?.nodeType === 1 ? node : node?.parentElement;
    if (!element) return "something";
    const within = element.closest("[id]");
    const text = element.textContent.trim().replace(/\s+/g, " ").slice(0, 40);
    return `<${element.localName} class="${element.getAttribute("class") ?? ""}">`
      + ` “${text}” in #${within?.id ?? "body"}`;
  },
};

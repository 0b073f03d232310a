"use strict";
// What follows the pointer, and the switches of single curves. The rest of the page needs no program.
for (const chart of document.querySelectorAll(".chart")) {
  const holder = chart.querySelector("script[type='application/json']");
  if (!holder) continue;
  const series = JSON.parse(holder.textContent).series;
  const svg = chart.querySelector("svg");
  const tip = chart.querySelector(".tip");
  const pointer = svg.querySelector(".pointer");
  const hidden = new Set();

  for (const box of chart.querySelectorAll("input[data-series]")) {
    const update = () => {
      const i = Number(box.dataset.series);
      if (box.checked) hidden.delete(i);
      else hidden.add(i);
      for (const curve of svg.querySelectorAll(`[data-series="${i}"]`)) {
        curve.classList.toggle("off", !box.checked);
      }
    };
    box.addEventListener("change", update);
    update(); // a browser may keep the state of a page that is loaded again
  }

  const nearest = (xs, x) => {
    let low = 0, high = xs.length - 1;
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if (xs[middle] < x) low = middle;
      else high = middle;
    }
    return x - xs[low] < xs[high] - x ? low : high;
  };

  const leave = () => {
    tip.style.display = "none";
    pointer.replaceChildren();
  };

  const move = (event) => {
    const box = svg.getBoundingClientRect();
    const view = svg.viewBox.baseVal;
    const x = (event.clientX - box.left) / box.width * view.width;
    const rows = series
      .filter((one, i) => !hidden.has(i))
      .map((one) => [one, nearest(one.x, x)]);
    if (!rows.length) return leave();
    rows.sort(([a, i], [b, j]) => Math.abs(a.x[i] - x) - Math.abs(b.x[j] - x));
    const [first, at] = rows[0];
    const lines = rows.map(([one, i]) =>
      one.label + "  " + one.values[i] + (one.steps[i] === first.steps[at] ? "" : "  (step " + one.steps[i] + ")"));
    tip.textContent = ["step " + first.steps[at], ...lines].join("\n");
    tip.style.display = "block";
    const frame = chart.getBoundingClientRect();
    const left = event.clientX - frame.left + 14;
    tip.style.left = Math.max(4, Math.min(left, frame.width - tip.offsetWidth - 4)) + "px";
    tip.style.top = event.clientY - frame.top - tip.offsetHeight - 10 + "px";
    const line = document.createElementNS("http://www.w3.org/2000/svg", "line");
    for (const [name, value] of [["x1", first.x[at]], ["x2", first.x[at]], ["y1", 10], ["y2", 230]]) {
      line.setAttribute(name, value);
    }
    pointer.replaceChildren(line);
  };

  svg.addEventListener("pointermove", move);
  svg.addEventListener("pointerdown", move);
  svg.addEventListener("pointerleave", leave);
}

// SPDX-License-Identifier: BSD-3-Clause
// Finding in the page, copying from it. Without this the page can still be read.
"use strict";
(() => {
  const all = (what, within = document) => Array.from(within.querySelectorAll(what));
  const one = (what) => document.querySelector(what);
  const form = one("#find");
  const search = one("#search");
  const rows = all("[data-row]").map((row) => ({
    row,
    kind: row.dataset.row,
    text: `${row.textContent} ${row.dataset.text ?? ""}`.toLowerCase(),
    cells: row.dataset.v !== undefined ? [row] : all("td[data-b]", row),
  }));
  const words = { call: "calls", clause: "clauses", failure: "failures", case: "cases", reason: "reasons" };

  const isShown = (item, terms, backend, verdicts) => {
    if (!terms.every((term) => item.text.includes(term))) return false;
    return item.cells.some(
      ({ dataset }) =>
        (backend === "" || dataset.b === backend) &&
        (verdicts.size === 0 || dataset.v.split(" ").some((verdict) => verdicts.has(verdict))));
  };

  const unfolded = new Set(all("details.cause[open]"));  // as the page comes
  const unfold = (inner) => {
    const group = inner.closest("details.cause");
    if (group !== null) group.open = true;
  };

  let narrowed = false;  // something is looked for
  const apply = () => {
    const terms = search.value.toLowerCase().split(/\s+/).filter((term) => term !== "");
    const backend = one("#backend").value;
    const verdicts = new Set(all("input[name=verdict]:checked").map((box) => box.value));
    const counts = new Map();
    for (const item of rows) {
      const shown = isShown(item, terms, backend, verdicts);
      const [some, of] = counts.get(item.kind) ?? [0, 0];
      item.row.hidden = !shown;
      counts.set(item.kind, [some + (shown ? 1 : 0), of + 1]);
    }
    const asked = terms.length > 0 || backend !== "" || verdicts.size > 0;
    for (const box of all("details.plain, details.cause")) {
      box.hidden = all("[data-row]:not([hidden])", box).length === 0;
      if (asked !== narrowed) box.open = asked || unfolded.has(box);
    }
    narrowed = asked;
    for (const cell of all("th[data-b], td[data-b]")) {
      cell.hidden = backend !== "" && cell.dataset.b !== backend;
    }
    const told = Array.from(counts, ([kind, [some, of]]) => `${some} of ${of} ${words[kind]}`);
    one("#shown").value = `Shown: ${told.join(", ")}.`;
  };

  const later = (work) => {
    let timer = 0;
    return () => {
      clearTimeout(timer);
      timer = setTimeout(work, rows.length > 2000 ? 150 : 0);
    };
  };

  // A link into the page opens what it leads to, also if a filter hides it.
  const reveal = () => {
    const found = /^#[rg]-[a-z0-9_-]+$/.test(location.hash) ? one(location.hash) : null;
    const target = found?.matches(".cause") ? found.querySelector(".failure") : found;
    if (target === null || target === undefined) return;
    if (target.hidden) {
      form.reset();
      apply();
    }
    unfold(target);
    target.open = true;
    target.querySelector("summary").focus({ preventScroll: true });
    found.scrollIntoView({ block: "start" });
  };

  const copy = async (text) => {
    try {
      await navigator.clipboard.writeText(text);
    } catch {
      const area = document.createElement("textarea");
      area.value = text;
      document.body.append(area);
      area.select();
      document.execCommand("copy");
      area.remove();
    }
  };

  for (const box of all(".copied")) {
    const button = document.createElement("button");
    const title = box.querySelector("h4").textContent;
    button.type = "button";
    button.textContent = "Copy";
    button.setAttribute("aria-label", `Copy: ${title}`);
    button.addEventListener("click", async () => {
      await copy(box.querySelector("pre").textContent);
      button.textContent = "Copied";
      setTimeout(() => { button.textContent = "Copy"; }, 1500);
    });
    box.append(button);
  }

  const failures = all("details.failure");
  one("#open").addEventListener("click", ({ target }) => {
    const shown = failures.filter((each) => !each.hidden);
    const open = shown.some((each) => !each.open);
    for (const each of shown) {
      if (open) unfold(each);
      each.open = open;
    }
    target.textContent = open ? "Close all" : "Open all";
  });
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("input", later(apply));
  form.addEventListener("reset", () => setTimeout(apply, 0));
  document.addEventListener("keydown", (event) => {
    const typing = /^(INPUT|SELECT|TEXTAREA)$/.test(event.target.tagName);
    if (event.key !== "/" || typing || event.ctrlKey || event.altKey || event.metaKey) return;
    event.preventDefault();
    search.focus();
  });
  for (const link of all(".matrix a, .index a, .permalink")) link.addEventListener("click", () => setTimeout(reveal, 0));
  addEventListener("hashchange", reveal);

  let closed = [];
  addEventListener("beforeprint", () => {
    closed = all("details:not([open])");
    for (const each of closed) each.open = true;
  });
  addEventListener("afterprint", () => {
    for (const each of closed) each.open = false;
  });

  form.hidden = false;
  apply();
  reveal();
})();

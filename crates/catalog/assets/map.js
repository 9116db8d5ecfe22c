"use strict";
const maps = [...document.querySelectorAll("svg.map")], groups = [...document.querySelectorAll("#drawing details")], panel = document.getElementById("answer"), ask = document.getElementById("ask");
const parts = maps.flatMap(map => [...map.querySelectorAll("[data-a],[data-m],[data-e]")]);
let pinned = null;

// Every name a question may use, in lower case, to all it means as [kind, id]: a call and an event may share one.
const names = new Map(), shown = [];
function name(text, kind, id) {
  const key = text.toLowerCase(), all = names.get(key);
  if (!all) { names.set(key, [[kind, id]]); shown.push(text); }
  else if (!all.some(([k, i]) => k === kind && i === id)) all.push([kind, id]);
}
for (const [id, a] of Object.entries(DATA.apis)) { name(id, "a", id); }
for (const [id, a] of Object.entries(DATA.apis)) { a.variants.forEach(v => name(v, "a", id)); }
for (const [id, m] of Object.entries(DATA.mechanisms)) { name(id, "m", id); m.imports.forEach(i => name(i, "m", id)); if (m.provider) name(m.provider, "m", id); }
for (const [id, e] of Object.entries(DATA.events)) { name(id, "e", id); if (id.startsWith("sysmon:")) name(id.slice(7), "e", id); if (e.tag) name(e.tag, "e", id); }
for (const [id, t] of Object.entries(DATA.techniques)) { for (const text of [id, t.name, t.technique, t.technique_name, t.formerly, ...t.also]) if (text) name(text, "t", id); }
for (const text of shown) { const o = document.createElement("option"); o.value = text; document.getElementById("names").append(o); }

function touches(part, [kind, id]) {
  const own = part.dataset;
  if (kind === "a") {
    if ("a" in own) return own.a === id;
    const rows = parts.filter(p => p.dataset.a === id);
    return rows.some(r => "e" in own ? r.dataset.e === own.e : r.dataset.m === own.m && r.dataset.e);
  }
  if (kind === "t") {
    const t = DATA.techniques[id], expected = e => t.expected.some(x => x.event === e);
    if ("a" in own) return t.win32.concat(t.native).includes(own.a);
    return "e" in own ? expected(own.e) : t.expected.some(x => DATA.events[x.event].mechanism === own.m);
  }
  if (kind === "e") return "e" in own ? own.e === id : !("a" in own) && own.m === DATA.events[id].mechanism;
  return own.m === id;
}
function follow(meant) {
  for (const map of maps) map.classList.toggle("following", !!meant);
  for (const part of parts) part.classList.toggle("lit", !!meant && meant.some(what => touches(part, what)));
}
function element(tag, text, of) {
  const e = document.createElement(tag);
  if (text !== undefined) e.textContent = text;
  if (of) e.className = of;
  return e;
}
function link(kind, id) {
  const a = element("a", kind === "t" ? DATA.techniques[id].technique + " " + DATA.techniques[id].name : id);
  a.href = "#" + encodeURIComponent(id);
  return a;
}
function list(title, items) {
  if (!items.length) return;
  panel.append(element("h3", title));
  const ul = element("ul");
  for (const item of items) { const li = element("li"); li.append(...[item].flat()); ul.append(li); }
  panel.append(ul);
}
const mark = m => m === "from-source" ? "" : " [" + m + "]";
function arrows(items, below) {
  return items.map(r => [link("e", r.event), " " + (DATA.events[r.event].tag || DATA.events[r.event].name || ""), " by ",
    link("m", r.mechanism), below && r.by ? " through " + r.by : "", mark(r.mark), r.remark ? element("div", r.remark, "dim") : ""]);
}
const openings = all => all.map(o => [o.needs, ...o.events.map(e => element("div", e, "dim")), element("div", "opened by " + o.calls.join(", "), "dim")]);
function tampering(ids) {
  list("Silenced by", ids.map(id => { const t = DATA.tampering[id];
    return [t.name, element("div", t.signs.length ? "still shows: " + t.signs.join("; ") : "no known sign", "dim")]; }));
}
function answer(meant) {
  panel.hidden = !meant;
  panel.replaceChildren();
  for (const what of meant || []) explain(what);
}
function explain(what) {
  const [kind, id] = what;
  if (kind === "a") {
    const a = DATA.apis[id];
    panel.append(element("h2", id), element("p", [a.modules.join(", "), a.layer, a.variants.length ? "also " + a.variants.join(", ") : ""].filter(Boolean).join(" · "), "dim"));
    const sysmon = a.arrows.concat(a.below).some(r => r.event.startsWith("sysmon:"));
    const stated = a.not_observed.length > 0, any = a.arrows.length + a.below.length > 0;
    // What another sensor does not see says nothing of Sysmon, and one event that does not come nothing of the others.
    const silent = a.not_observed.filter(s => s.sensor === "Sysmon"), some = silent.map(s => s.event).filter(Boolean).join(", ");
    panel.append(element("p", sysmon ? "Seen by Sysmon" : silent.some(s => !s.event) ? "No Sysmon event" : some ? "Not seen as " + some : any || stated ? "No Sysmon event known" : "Nothing known", sysmon ? "yes" : "no"));
    list("Seen by", arrows(a.arrows));
    list("Seen in the system service it ends in", arrows(a.below.filter(b => !a.arrows.some(r => r.event === b.event)), true));
    list("Not seen by", a.not_observed.map(s => [s.sensor + (s.event ? " " + s.event : "") + ": " + s.why + mark(s.mark)]));
    if (!any && !stated) panel.append(element("p", "The catalog has no arrow for this call and no word that there is none. That is no proof of silence.", "dim"));
    list("Ends in", a.native.map(n => link("a", n)));
    list("Called by", a.callers.map(n => link("a", n)));
    list("Through the handle it needs", openings(a.openings));
    tampering(a.tampering);
    list("Used in", a.techniques.map(t => link("t", t)));
  } else if (kind === "t") {
    const t = DATA.techniques[id];
    panel.append(element("h2", t.name), element("p", t.technique + " " + t.technique_name + (t.formerly ? ", before " + t.formerly : "") + " · " + id + mark(t.mark), "dim"));
    if (t.note) panel.append(element("p", t.note, "dim"));
    list("Calls in order", t.win32.map(a => link("a", a)));
    list("The same through the native API", t.native.map(a => link("a", a)));
    list("Events that can come", t.expected.map(x => [link("e", x.event), " " + (DATA.events[x.event].tag || DATA.events[x.event].name || ""), x.when ? element("div", x.when, "dim") : ""]));
    list("Blind spots", t.blind_spots);
    list("Through the handles it needs", openings(t.openings));
    tampering(t.tampering);
  } else if (kind === "m") {
    const m = DATA.mechanisms[id];
    panel.append(element("h2", m.name), element("p", [id, m.provider].filter(Boolean).join(" · ") + mark(m.mark), "dim"));
    list("Events", m.events.map(e => [link("e", e), " " + (DATA.events[e].name || "")]));
    list("Does not see", m.not_observed);
    list("Sees", m.observes);
    list("Registered by", m.imports);
    list("Taken back by", m.remove_with);
    tampering(m.tampering);
  } else {
    const e = DATA.events[id];
    panel.append(element("h2", id + (e.tag ? " " + e.tag : "")), element("p", (e.name || "") + mark(e.mark), "dim"));
    if (e.mechanism) { const p = element("p", "by "); p.append(link("m", e.mechanism)); panel.append(p); }
    if (e.note) panel.append(element("p", e.note, "dim"));
    list("Calls", e.apis.map(a => [link("a", a.api), mark(a.mark)]));
    list("Not observed", e.not_observed.map(s => [s.apis.join(", ") + ": " + s.why]));
    list("Evidence of", e.components);
    tampering(e.tampering);
  }
}
function pin(meant, scroll) {
  const what = meant && meant[0];
  pinned = what;
  follow(meant);
  answer(meant);
  // The groups that have a part of the answer open, the others fold.
  if (what) for (const group of groups) group.open = !!group.querySelector(".lit");
  panel.scrollTop = 0;
  const first = scroll && what && parts.find(p => p.classList.contains("lit") && (what[0] !== "a" || "a" in p.dataset));
  if (first) first.scrollIntoView({ block: "center" });
}
function of(part) {
  const own = part.dataset;
  return own.a ? ["a", own.a] : "e" in own ? ["e", own.e] : ["m", own.m];
}
for (const part of parts) {
  part.addEventListener("mouseenter", () => { if (!pinned) follow([of(part)]); });
  part.addEventListener("mouseleave", () => { if (!pinned) follow(null); });
  part.addEventListener("click", event => { event.stopPropagation(); const [, id] = of(part); ask.value = id; location.hash = encodeURIComponent(id); });
}
for (const map of maps) map.addEventListener("click", () => { ask.value = ""; history.replaceState(null, "", "#"); pin(null); });
ask.addEventListener("input", () => {
  const text = ask.value.trim().toLowerCase().replace(/^.*!/, "");
  if (!text) return pin(null);
  const best = names.get(text) || names.get(text.replace(/[aw]$/, "")) || names.get([...names.keys()].find(n => n.startsWith(text)) || [...names.keys()].find(n => text.length > 2 && n.includes(text)));
  pin(best || null, true);
  if (!best) { panel.hidden = false; panel.replaceChildren(element("p", "Nothing is called " + ask.value + ".")); }
});
function fromHash() {
  const id = decodeURIComponent(location.hash.slice(1));
  const what = names.get(id.toLowerCase());
  if (what) { ask.value = id; pin(what, true); }
}
addEventListener("hashchange", fromHash);
addEventListener("keydown", event => { if (event.key === "Escape") { ask.value = ""; pin(null); } });
addEventListener("beforeprint", () => { for (const group of groups) group.open = true; });
fromHash();

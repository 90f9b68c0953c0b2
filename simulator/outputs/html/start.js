// Puts the page together. The pictures come last: their library stands below this script.

function tiles() {
  byId("tiles").append(...data.outcomes.map((told, outcome) => {
    const inside = [
      el("b", {}, number(told.calls)),
      el("span", { class: "label" }, (told.calls === 1 ? "call " : "calls ") + told.label),
      el("small", {}, outcome < SHOWN_OUTCOMES && told.calls ? plural(told.identities, "identity", "identities") : " "),
    ];
    return told.findings
      ? el("button", { type: "button", class: "tile o" + outcome, onclick: () => showOnly({ outcomes: new Set([outcome]) }) }, ...inside)
      : el("div", { class: "tile o" + outcome }, ...inside);
  }));
}

function contents() {
  const sections = [...document.querySelectorAll("main > section")].filter((section) => !section.hidden);
  byId("contents").append(...sections.map((section) => el("a", { href: "#" + section.id }, section.dataset.name)));
}

// Undecided findings, by statement and by what would settle them.
function undecided() {
  const groups = new Map();
  data.findings.forEach((row) => {
    if (row.outcome !== 1) return;
    const key = JSON.stringify([row.statement, row.settled_by || []]);
    if (!groups.has(key)) groups.set(key, []);
    groups.get(key).push(row);
  });
  if (!groups.size) return;
  byId("undecided").hidden = false;
  byId("undecided-body").append(longList([...groups.values()].map((rows) => {
    const by = data.statements[rows[0].statement];
    const who = distinct(rows.map((row) => data.identities[row.identity].label));
    const actions = distinct(rows.map((row) => row.action));
    const shown = (all) => all.slice(0, 6).join(", ") + (all.length > 6 ? " and " + number(all.length - 6) + " more" : "");
    return el("li", { class: "open-question" },
      el("p", { class: "strong" }, (rows[0].settled_by || ["nothing that is named"]).join("; ")),
      el("p", {}, "settles ", plural(rows.length, "finding"), " by ", el("button", {
        type: "button", class: "link", onclick: () => showOnly({ statement: by.label, outcomes: new Set([1]) }),
      }, by.label)),
      el("p", { class: "muted" }, shown(who), ": ", shown(actions)));
  }), 40));
}

// Sessions that would no longer be issued
function lostSessions() {
  const { rows, more } = data.lost;
  if (!rows.length) return;
  byId("lost").hidden = false;
  const table = plainTable("", ["who", "can no longer assume", "calls lost", "what they did", "denied by", "link"], rows.map((row) => [
    el("span", {}, el("span", { class: "strong" }, row.caller.label), el("small", { class: "line" }, row.caller.detail)),
    el("span", {}, row.role.label, row.further.length ? el("small", { class: "line" }, "and through it " + row.further.join(", ")) : null),
    row.sessions ? (row.least ? "at least " : "") + number(row.calls) + " in " + plural(row.sessions, "session") : "none seen",
    row.events.slice(0, 4).map(([event, calls]) => event + " (" + number(calls) + ")").join(", ")
      + (row.events.length > 4 ? " and " + number(row.events.length - 4) + " more" : ""),
    row.by.join("; "),
    row.sure,
  ]));
  table.classList.add("wide-table");
  byId("lost-body").append(table);
  if (more) byId("lost-body").append(el("p", { class: "muted" }, "… and " + plural(more, "more", "more")));
}

function policies() {
  if (!data.policies.length) return;
  byId("policies").hidden = false;
  const used = data.policies.map(() => []);
  for (const by of data.statements) {
    if (by.lines && !used[by.policy].some(([from]) => from === by.lines[0])) used[by.policy].push(by.lines);
  }
  byId("policies-body").append(...data.policies.map((policy, place) =>
    el("details", { id: "policy-" + place, open: data.policies.length <= 3 },
      el("summary", {}, el("span", { class: "strong" }, policy.kind + " " + policy.name), " ",
        el("small", {}, plural(used[place].length, "deciding statement") + ", attached to " + (policy.attached.join(", ") || "nothing"))),
      policy.source ? el("p", { class: "muted mono" }, policy.source) : null,
      policyLines(policy.lines, 0, used[place]))));
  // A link to a folded policy opens it.
  const open = () => {
    const target = location.hash.startsWith("#policy-") && byId(location.hash.slice(1));
    if (target) {
      target.open = true;
      target.scrollIntoView();
    }
  };
  addEventListener("hashchange", open);
  document.addEventListener("click", (event) => {
    if (event.target.closest('a[href^="#policy-"]')) setTimeout(open);
  });
}

colours(drawPictures);
findingsTable();
lostSessions();
undecided();
policies();
preparePictures();
tiles();
contents();
addEventListener("DOMContentLoaded", drawPictures);

// Puts the page together. The pictures come last: their library stands below this script.

function tiles() {
  byId("tiles").append(...data.outcomes.map((told, outcome) => {
    const inside = [
      el("b", {}, number(told.calls)),
      el("span", { class: "label" }, (told.calls === 1 ? "call " : "calls ") + told.label),
      el("small", {}, outcome < SHOWN_OUTCOMES && told.calls ? plural(told.identities, "identity", "identities") : " "),
    ];
    return FINDINGS_OF[outcome]
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

function named(row) {
  return el("span", {}, el("span", { class: "strong" }, row.label), el("small", { class: "line" }, row.detail));
}

function fill(id, part, table, more) {
  byId(id).hidden = false;
  byId(part).append(table);
  if (more) byId(part).append(el("p", { class: "muted small" }, "… and " + number(more) + " more"));
}

// Answers to what people ask first
function answered() {
  const { talks, units, accounts, statements, more } = data.answers;
  if (talks.length) {
    const rows = talks.map((row) => [named(row), row.calls, row.undecided, row.lost, row.through.join(", "), row.sure]);
    const table = plainTable("", ["who", "would be denied", "may be denied", "lost", "acts as", "link"], rows);
    table.classList.add("wide-table");
    fill("people", "people-body", table, 0);
  }
  const reach = (rows, head) => plainTable("", [head, "would be denied", "may be denied", "lost", "identities"],
    rows.map((row) => [row.label, row.calls, row.undecided, row.lost, row.identities]));
  if (units.length) fill("reach", "reach-units", reach(units, "unit"), more[0]);
  if (accounts.length) fill("reach", "reach-accounts", reach(accounts, "account"), more[1]);
  if (statements.length) {
    const heads = ["statement", "would be denied", "may be denied", "identities", "freed", "open", "held", "lost", "behind it"];
    const table = plainTable("", heads, statements.map((row) => [el("button", {
      type: "button", class: "link", onclick: () => showOnly(findingsBy(row.label)),
    }, row.label), row.calls, row.undecided, row.identities, row.freed, row.open, row.held, row.lost, row.behind]));
    table.classList.add("wide-table");
    fill("statements", "statements-body", table, more[2]);
  }
}

// A statement attached at several nodes has a label for each of them in the table of findings.
function findingsBy(label) {
  return data.statements.some((each) => each.label === label) ? { statement: label } : { search: label.split(" on ")[0] };
}

// Sessions that would no longer be issued
function lostSessions() {
  const { rows, more } = data.lost;
  if (!rows.length) return;
  byId("lost").hidden = false;
  const table = plainTable("", ["who", "can no longer assume", "calls lost", "what they did", "denied by", "link"], rows.map((row) => [
    named(row.caller),
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
        el("small", {}, plural(used[place].length, "deciding statement") + (policy.attached.length ? ", attached to " + policy.attached.join(", ") : ", attached nowhere in the proposal"))),
      policy.source ? el("p", { class: "muted mono" }, policy.source) : null,
      policyLines(policy.lines, 0, used[place]))));
  const folded = byId("policies-body").querySelectorAll("details:not([open])");
  addEventListener("beforeprint", () => folded.forEach((each) => { each.open = true; }));
  addEventListener("afterprint", () => folded.forEach((each) => { each.open = false; }));
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
answered();
lostSessions();
undecided();
policies();
preparePictures();
tiles();
contents();
addEventListener("DOMContentLoaded", drawPictures);

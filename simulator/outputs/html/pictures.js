// The pictures, drawn by plotly.js. It reads labels as a kind of markup, so every text is escaped for it.

function forPicture(text) {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}

function shortened(text, limit) {
  return text.length <= limit ? text : text.slice(0, Math.ceil(limit * 0.6)) + "…" + text.slice(text.length - Math.floor(limit * 0.4) + 1);
}

function colour(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

function faint(hex, part) {
  const [red, green, blue] = [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16));
  return "rgba(" + red + "," + green + "," + blue + "," + part + ")";
}

const PAPER_WIDTH = 690; // fits the narrower of A4 and Letter

function layout(more) {
  return Object.assign({
    width: printing ? PAPER_WIDTH : undefined,
    paper_bgcolor: "rgba(0,0,0,0)",
    plot_bgcolor: "rgba(0,0,0,0)",
    font: { family: getComputedStyle(document.body).fontFamily, size: 12, color: colour("--ink") },
    hoverlabel: { bgcolor: colour("--surface"), bordercolor: colour("--line"), font: { color: colour("--ink") } },
    margin: { l: 8, r: 8, t: 8, b: 8 },
  }, more);
}

const PICTURE = { displayModeBar: false, responsive: true };
const HEADS = ["account", "identity", "call", "statement"];
const PLACES = [0.001, 0.33, 0.64, 0.999]; // of the columns, from left to right

function drawFlow() {
  const { nodes, links } = data.flows;
  const most = Math.max(...HEADS.map((_, column) => nodes.filter((node) => node.column === column).length));
  const calls = nodes.map(() => [0, 0]);
  for (const [start, end, , count] of links) {
    calls[start][0] += count;
    calls[end][1] += count;
  }
  Plotly.react("flow-picture", [{
    type: "sankey",
    arrangement: "fixed",
    textfont: { color: colour("--ink"), shadow: "none" },
    node: {
      label: nodes.map((node) => forPicture(shortened(node.label, printing ? 22 : 30))),
      x: nodes.map((node) => PLACES[node.column]),
      y: heights(nodes, calls),
      customdata: nodes.map((node, place) => [shortened(node.label, 90), shortened(node.detail, 90), plural(Math.max(...calls[place]), "call")]
        .filter((line, at, lines) => line && line !== lines[at - 1]).map(forPicture).join("<br>")),
      hovertemplate: "%{customdata}<extra></extra>",
      color: colour("--node"),
      line: { width: 0 },
      pad: 12,
      thickness: 12,
    },
    link: {
      source: links.map(([start]) => start),
      target: links.map(([, end]) => end),
      value: links.map(([, , , count]) => count),
      color: links.map(([, , outcome]) => faint(colour("--o" + outcome + "-fill"), isDark() ? 0.45 : 0.4)),
      customdata: links.map(([start, end, outcome, count]) => forPicture(nodes[start].label) + " → " + forPicture(nodes[end].label) + "<br>" + plural(count, "call") + " " + data.outcomes[outcome].label),
      hovertemplate: "%{customdata}<extra></extra>",
    },
  }], layout({
    height: Math.max(260, 84 + most * 34),
    margin: { l: 8, r: 8, t: 30, b: 8 },
    annotations: HEADS.map((head, column) => ({
      text: head, showarrow: false, xref: "paper", yref: "paper", x: PLACES[column], y: 1, yanchor: "bottom", yshift: 8,
      xanchor: column === HEADS.length - 1 ? "right" : "left", font: { color: colour("--muted"), size: 12 },
    })),
  }), PICTURE);
}

// Each column from top to bottom, largest first, in the order of the nodes.
function heights(nodes, calls) {
  const sizes = nodes.map((_, place) => Math.max(...calls[place]));
  const total = nodes.reduce((sum, node, place) => sum + (node.column === 0 ? sizes[place] : 0), 0) || 1;
  const members = HEADS.map((_, column) => nodes.filter((node) => node.column === column).length);
  const most = Math.max(...members);
  const gap = 0.36 / Math.max(1, most - 1);
  const at = HEADS.map((_, column) => (0.36 - gap * (members[column] - 1)) / 2);
  return nodes.map((node, place) => {
    const height = (0.64 * sizes[place]) / total;
    const middle = at[node.column] + height / 2;
    at[node.column] += height + gap;
    return Math.min(0.999, Math.max(0.001, middle));
  });
}

const DAY = 86400000;
const STEPS = { hour: DAY / 24, day: DAY, week: 7 * DAY, month: 30 * DAY, year: 365 * DAY };

function barStart(bar) {
  return bar.length === 13 ? bar + ":00" : bar.length === 7 ? bar + "-01" : bar.length === 4 ? bar + "-01-01" : bar;
}

function drawTimeline() {
  const { step, bars } = data.timeline;
  const traces = [];
  for (let outcome = 0; outcome < SHOWN_OUTCOMES; outcome += 1) {
    if (!bars.some(([, counts]) => counts[outcome])) continue;
    traces.push({
      type: "bar",
      name: data.outcomes[outcome].label,
      visible: outcome < 2 ? true : "legendonly",
      x: bars.map(([bar]) => barStart(bar)),
      y: bars.map(([, counts]) => counts[outcome] || 0),
      width: bars.map(() => STEPS[step] * 0.86),
      offset: 0,
      marker: { color: colour("--o" + outcome + "-fill"), line: { width: 0 } },
      customdata: bars.map(([bar]) => barName(step, bar)),
      hovertemplate: "%{customdata}: %{y} " + data.outcomes[outcome].label + "<extra></extra>",
    });
  }
  Plotly.react("timeline-picture", traces, layout({
    barmode: "stack",
    height: 260,
    margin: { l: 44, r: 8, t: 8, b: 36 },
    showlegend: true,
    legend: { orientation: "h", traceorder: "normal", y: 1.02, yanchor: "bottom", x: 0 },
    xaxis: { type: "date", gridcolor: colour("--line"), linecolor: colour("--line"), fixedrange: true },
    yaxis: { gridcolor: colour("--line"), zerolinecolor: colour("--line"), rangemode: "tozero", tickformat: ",d", nticks: 5, fixedrange: true },
  }), PICTURE);
}

function barName(step, bar) {
  return step === "week" ? "week of " + bar : step === "hour" ? bar.replace("T", " ") + ":00" : bar;
}

function drawPictures() {
  if (!window.Plotly) return;
  if (data.flows.links.length) drawFlow();
  if (data.timeline.bars.length) drawTimeline();
}

function preparePictures() {
  const { nodes, links, folded } = data.flows;
  if (links.length) {
    byId("flow").hidden = false;
    byId("flow-told").textContent =
      "From the account over the identity and the call to the statement; as wide as the calls. A call that several statements deny is drawn for each."
      + (folded.length ? " Drawn together as others: " + folded.join("; ") + "." : "");
    byId("flow-table").append(plainTable("Calls between the members of the picture", ["from", "to", "outcome", "calls"],
      links.map(([start, end, outcome, count]) => [nodes[start].label, nodes[end].label, data.outcomes[outcome].label, count])));
  }
  const { step, bars, undated } = data.timeline;
  if (bars.length) {
    byId("timeline").hidden = false;
    byId("timeline-told").textContent = "Calls by " + step + ", in UTC." + (undated ? " " + plural(undated, "call") + " without a time not drawn." : "");
    const shown = [0, 1, 2, 3].filter((outcome) => bars.some(([, counts]) => counts[outcome]));
    byId("timeline-table").append(plainTable("Calls by " + step, [step, ...shown.map((outcome) => data.outcomes[outcome].label)],
      bars.map(([bar, counts]) => [barName(step, bar), ...shown.map((outcome) => counts[outcome] || 0)])));
  }
}

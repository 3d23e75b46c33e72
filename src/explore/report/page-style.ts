/**
 * How the page of a trace looks: light or dark as the reader's system is, one hue for each CPU, all else quiet. Filled into
 * the page by page.ts.
 */
export const PAGE_STYLE = `
:root {
  color-scheme: light dark;
  --paper: light-dark(#fbfaf8, #16181c);
  --card: light-dark(#ffffff, #1d2026);
  --ink: light-dark(#22262e, #e3e6ec);
  --quiet: light-dark(#727986, #8b93a1);
  --line: light-dark(#e5e3de, #2e333c);
  --pick: light-dark(#fff3c9, #3b3417);
  --pick-edge: light-dark(#e0a800, #d8ab2f);
  --bad: light-dark(#c4282d, #ff7b76);
  --good: light-dark(#1a7f4b, #5fd195);
  --wait: light-dark(#9a6700, #e3b341);
  --lock: light-dark(#8250a8, #c9a2ee);
  --cell: light-dark(#f4f2ee, #23272e);
  --mono: ui-monospace, 'SF Mono', 'Cascadia Code', 'JetBrains Mono', Menlo, Consolas, 'DejaVu Sans Mono', monospace;
}
* { box-sizing: border-box; }
html, body { height: 100%; margin: 0; }
body {
  display: grid; grid-template-rows: auto auto minmax(0, 1fr) auto; background: var(--paper); color: var(--ink);
  font: 14px/1.45 system-ui, -apple-system, 'Segoe UI', 'DejaVu Sans', sans-serif;
}
.quiet { color: var(--quiet); }
header { padding: 14px 20px 6px; max-height: 34vh; overflow: auto; }
.title { display: flex; gap: 12px; align-items: baseline; flex-wrap: wrap; }
.title #run { margin-left: auto; font-variant-numeric: tabular-nums; }
h1 { font-size: 17px; margin: 0; font-weight: 600; }
.kind {
  background: color-mix(in srgb, var(--bad) 14%, transparent); color: var(--bad); font-weight: 650; border-radius: 6px; padding: 2px 9px;
}
.kind.good { background: color-mix(in srgb, var(--good) 14%, transparent); color: var(--good); }
#message { margin: 6px 0 2px; font-size: 15px; max-width: 110ch; }
details { margin: 4px 0; }
summary { cursor: pointer; color: var(--quiet); width: max-content; }
ol { margin: 4px 0 4px; padding-left: 22px; max-width: 120ch; }
li { margin: 1px 0; }
a.step { color: inherit; text-decoration: underline; text-decoration-color: var(--pick-edge); text-underline-offset: 3px; font-weight: 600; }
nav { padding: 4px 20px 8px; border-bottom: 1px solid var(--line); }
.controls { display: flex; gap: 6px; align-items: center; margin-bottom: 6px; }
button {
  font: inherit; color: inherit; background: var(--card); border: 1px solid var(--line); border-radius: 6px; min-width: 34px; padding: 2px 8px; cursor: pointer;
}
button:hover { border-color: var(--quiet); }
:focus-visible { outline: 2px solid var(--pick-edge); outline-offset: 1px; }
#at { min-width: 18ch; text-align: center; font-variant-numeric: tabular-nums; }
.check { display: flex; gap: 5px; align-items: center; margin-left: 10px; color: var(--quiet); cursor: pointer; }
.search { margin-left: auto; display: flex; gap: 8px; align-items: center; }
#search { font: inherit; color: inherit; background: var(--card); border: 1px solid var(--line); border-radius: 6px; padding: 3px 9px; width: 22ch; }
#matches { min-width: 9ch; font-variant-numeric: tabular-nums; }
#strip { position: relative; }
#lanes { display: block; width: 100%; border-radius: 4px; cursor: pointer; overflow: visible; }
#lanes text { font: 10px var(--mono); fill: var(--quiet); }
#lanes .mark { stroke: var(--bad); stroke-width: 2; }
#lanes .cursor { stroke: var(--ink); stroke-width: 1.5; }
#lanes .knob { fill: var(--ink); }
#scrubber { position: absolute; inset: 0 0 0 var(--lane-left, 0); width: calc(100% - var(--lane-left, 0px)); height: 100%; margin: 0; opacity: 0; cursor: ew-resize; }
#scrubber:focus-visible + *, #strip:has(#scrubber:focus-visible) { outline: 2px solid var(--pick-edge); outline-offset: 2px; border-radius: 4px; }
main { display: grid; grid-template-columns: minmax(0, 1.55fr) minmax(340px, 1fr); min-height: 0; }
#columns { display: grid; grid-template-rows: auto minmax(0, 1fr); min-width: 0; min-height: 0; border-right: 1px solid var(--line); }
#heads { position: relative; height: 30px; border-bottom: 1px solid var(--line); font-weight: 600; overflow: hidden; }
#heads span { position: absolute; top: 5px; white-space: nowrap; }
#heads i { display: inline-block; width: 9px; height: 9px; border-radius: 50%; margin-right: 6px; }
#list { position: relative; overflow: auto; padding-bottom: 24px; }
#list:focus-visible { outline: none; }
#list:not(:focus) .row.here { background: color-mix(in srgb, var(--pick) 60%, transparent); }
#space { position: relative; }
.guide { position: absolute; top: 0; bottom: 0; width: 2px; opacity: .22; border-radius: 1px; pointer-events: none; }
.row {
  position: absolute; left: 0; right: 0; height: 24px; line-height: 24px; font: 12.5px/24px var(--mono); cursor: pointer; white-space: nowrap; border-left: 3px solid transparent;
}
.row:hover { background: var(--cell); }
.row.here { background: var(--pick); border-left-color: var(--pick-edge); }
.row .n { position: absolute; left: 0; width: 52px; text-align: right; color: var(--quiet); font-variant-numeric: tabular-nums; }
.row.named .n { color: var(--bad); font-weight: 700; }
.row.named .n::before { content: '●'; font-size: 8px; vertical-align: 2px; margin-right: 4px; }
.row .t { position: absolute; right: 172px; overflow: hidden; text-overflow: ellipsis; padding-left: 12px; }
.row .dot { position: absolute; width: 8px; height: 8px; border-radius: 50%; top: 8px; margin-left: -3px; }
.row.switch .dot { width: 0; height: 0; border-radius: 0; background: none !important; border: 6px solid transparent; border-left: 9px solid var(--hue); top: 6px; margin-left: -2px; }
.row .w { position: absolute; right: 10px; width: 158px; text-align: right; color: var(--quiet); overflow: hidden; text-overflow: ellipsis; direction: rtl; }
.row.call .t, .row.answer .t { font-weight: 700; }
.row.wake .t { color: var(--good); }
.row.spin .t { color: var(--wait); }
.row.lock .t { color: var(--lock); }
.row.panic .t { color: var(--bad); font-weight: 700; }
.row.look .t, .row.fold .t, .row.other .t { color: var(--quiet); }
.row.named.look .t { color: var(--ink); }
.row.fold { cursor: default; }
.who { color: var(--hue); font-weight: 500; margin-right: 8px; }
.tag { color: var(--lock); border: 1px solid color-mix(in srgb, var(--lock) 40%, transparent); border-radius: 4px; padding: 0 4px; margin-right: 7px; font-size: 11px; font-weight: 400; }
mark { background: var(--pick-edge); color: #1b1b1b; border-radius: 2px; }
aside { overflow: auto; padding: 12px 18px 24px; min-width: 0; }
aside section { margin-bottom: 16px; }
h2 { font-size: 11.5px; letter-spacing: .06em; text-transform: uppercase; color: var(--quiet); margin: 14px 0 5px; font-weight: 600; }
#now { font: 13px/1.5 var(--mono); }
#now .what { font-size: 14px; font-weight: 650; overflow-wrap: anywhere; }
.card { background: var(--card); border: 1px solid var(--line); border-radius: 8px; overflow: hidden; }
.stack { display: flex; flex-wrap: wrap; gap: 4px; margin: 6px 0; font: 12px var(--mono); }
.stack button { padding: 0 7px; min-width: 0; font: inherit; color: var(--quiet); }
.stack button.here { color: var(--ink); border-color: var(--pick-edge); background: var(--pick); }
pre { margin: 0; font: 12px/19px var(--mono); padding: 8px 0; overflow-x: auto; }
pre div { padding: 0 12px; width: max-content; min-width: 100%; }
pre .here { background: var(--pick); box-shadow: inset 3px 0 var(--pick-edge); }
pre .l { display: inline-block; width: 4ch; text-align: right; margin-right: 14px; color: var(--quiet); user-select: none; }
pre .k { color: light-dark(#0550ae, #7cb7ff); } pre .s { color: light-dark(#0a6640, #8fd6a5); } pre .c { color: var(--quiet); font-style: italic; } pre .d { color: light-dark(#953800, #ffb27a); }
.file { padding: 5px 12px; border-bottom: 1px solid var(--line); font: 12px var(--mono); color: var(--quiet); }
table { border-collapse: collapse; width: 100%; font: 12.5px/1.5 var(--mono); table-layout: auto; }
td { padding: 2px 10px 2px 12px; vertical-align: top; border-top: 1px solid var(--line); overflow-wrap: anywhere; }
tr:first-child td { border-top: 0; }
td:first-child { white-space: nowrap; width: 1%; }
td.since { color: var(--quiet); text-align: right; white-space: nowrap; width: 1%; font-size: 11px; padding-top: 4px; }
tr.new td { background: var(--pick); }
tr.off td { color: var(--quiet); }
tr.word { cursor: pointer; }
.was { color: var(--quiet); text-decoration: line-through; margin-right: 6px; }
.chip { display: inline-block; border-radius: 4px; padding: 0 6px; background: var(--cell); margin: 0 4px 2px 0; }
.st { font-weight: 650; } .st.SLEEPING { color: var(--wait); } .st.RUNNING { color: var(--good); } .st.DEAD { color: var(--quiet); } .st.WOKEN { color: var(--lock); }
i.cpu { display: inline-block; width: 9px; height: 9px; border-radius: 50%; margin-right: 7px; }
footer { display: flex; flex-wrap: wrap; gap: 4px 22px; padding: 6px 20px; border-top: 1px solid var(--line); font-size: 12px; }
#replay { margin-left: auto; font-family: var(--mono); user-select: all; }
kbd { font: 11px var(--mono); border: 1px solid var(--line); border-bottom-width: 2px; border-radius: 4px; padding: 0 4px; background: var(--card); }
@media (max-width: 900px) { main { grid-template-columns: 1fr; grid-template-rows: 1fr 1fr; } #columns { border-right: 0; border-bottom: 1px solid var(--line); } .row .w { display: none; } .row .t { right: 10px; } }
`;

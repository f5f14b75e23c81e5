#include "app/report_page.h"

namespace agon::app {

const std::string_view report_style = R"css(
:root {
  color-scheme: light dark;
  --ground: #f6f7f9; --card: #ffffff; --ink: #1c2330; --soft: #5b6577; --line: #e1e5ec; --accent: #2563c9;
  --tint: 37, 99, 201;
  --c0: #2563c9; --c1: #d9660f; --c2: #14865e; --c3: #a8327d; --c4: #8a6d00; --c5: #5b4bc4;
}
@media (prefers-color-scheme: dark) {
  :root:not([data-theme=light]) {
    --ground: #12161d; --card: #1a2029; --ink: #e6eaf1; --soft: #97a2b5; --line: #2b3340; --accent: #6ea3f7;
    --tint: 110, 163, 247;
    --c0: #6ea3f7; --c1: #f2994a; --c2: #4cc38a; --c3: #e07bbd; --c4: #d9bc4a; --c5: #a89bf5;
  }
}
:root[data-theme=dark] {
  --ground: #12161d; --card: #1a2029; --ink: #e6eaf1; --soft: #97a2b5; --line: #2b3340; --accent: #6ea3f7;
  --tint: 110, 163, 247;
  --c0: #6ea3f7; --c1: #f2994a; --c2: #4cc38a; --c3: #e07bbd; --c4: #d9bc4a; --c5: #a89bf5;
}
:root[data-theme=light] { color-scheme: light; }
:root[data-theme=dark] { color-scheme: dark; }
* { box-sizing: border-box; }
body {
  margin: 0; background: var(--ground); color: var(--ink);
  font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "DejaVu Sans", sans-serif;
}
main { max-width: 1180px; margin: 0 auto; padding: 28px 20px 60px; }
header { display: flex; align-items: flex-start; gap: 16px; margin-bottom: 18px; }
header div { flex: 1; }
h1 { font-size: 26px; line-height: 1.2; margin: 0 0 4px; letter-spacing: -.01em; }
h2 { font-size: 16px; margin: 0 0 2px; }
p { margin: 0; }
.soft { color: var(--soft); font-size: 13px; }
.badge {
  display: inline-block; margin-left: 10px; padding: 2px 10px; border-radius: 99px; vertical-align: 4px;
  font-size: 12px; font-weight: 600; background: rgba(var(--tint), .14); color: var(--accent);
}
.badge.failed { background: rgba(214, 60, 60, .16); color: #d64545; }
button {
  font: inherit; font-size: 13px; color: var(--ink); background: var(--card); border: 1px solid var(--line);
  border-radius: 8px; padding: 5px 12px; cursor: pointer;
}
button:hover { border-color: var(--accent); }
button:focus-visible, input:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; }
.facts { display: grid; grid-template-columns: repeat(auto-fit, minmax(150px, 1fr)); gap: 12px; }
.fact, .card { background: var(--card); border: 1px solid var(--line); border-radius: 12px; }
.fact { padding: 12px 16px; }
.fact b { display: block; font-size: 20px; font-weight: 650; letter-spacing: -.01em; overflow-wrap: anywhere; }
.fact span { color: var(--soft); font-size: 12.5px; }
.card { padding: 18px 20px; margin-top: 16px; }
.charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(460px, 100%), 1fr)); gap: 16px; margin-top: 16px; }
.charts .card { margin: 0; position: relative; }
.charts .wide { grid-column: 1 / -1; }
.chart { width: 100%; display: block; margin-top: 8px; touch-action: pan-y; }
.chart text { fill: var(--soft); font-size: 11.5px; font-variant-numeric: tabular-nums; }
.chart .grid { stroke: var(--line); stroke-width: 1; }
.chart .cross { stroke: var(--soft); stroke-dasharray: 3 3; }
.legend { display: flex; flex-wrap: wrap; gap: 4px 14px; margin-top: 6px; font-size: 13px; }
.legend label { display: inline-flex; align-items: center; gap: 6px; cursor: pointer; }
.legend i { width: 14px; height: 3px; border-radius: 2px; display: inline-block; }
.legend .off { opacity: .4; text-decoration: line-through; }
.tip {
  position: absolute; pointer-events: none; display: none; padding: 6px 10px; border-radius: 8px; z-index: 2;
  background: var(--card); border: 1px solid var(--line); box-shadow: 0 4px 16px rgba(0, 0, 0, .14);
  font-size: 12.5px; white-space: nowrap; font-variant-numeric: tabular-nums;
}
.tip i { width: 9px; height: 9px; border-radius: 50%; display: inline-block; margin-right: 6px; }
.samples { display: grid; grid-template-columns: minmax(0, 1fr); justify-items: center; gap: 12px; margin-top: 12px; }
.samples img {
  image-rendering: pixelated; width: min(100%, 640px); border-radius: 8px; background: var(--ground);
}
.controls { display: flex; align-items: center; gap: 12px; width: min(100%, 640px); }
.controls input { flex: 1; accent-color: var(--accent); min-width: 0; }
.controls output { min-width: 9.5em; text-align: right; font-variant-numeric: tabular-nums; }
.row { display: flex; gap: 14px; align-items: center; flex-wrap: wrap; }
.row h2 { flex: 1; }
.row input { accent-color: var(--accent); }
.evaluation { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(420px, 100%), 1fr)); gap: 28px; margin-top: 12px; }
table { border-collapse: collapse; font-size: 13px; font-variant-numeric: tabular-nums; }
.matrix { width: 100%; table-layout: fixed; }
.matrix td, .matrix th { text-align: center; padding: 5px 2px; font-weight: 500; border: 1px solid var(--card); overflow: hidden; }
.matrix th { color: var(--soft); }
.bars { display: grid; grid-template-columns: max-content 1fr max-content; gap: 5px 10px; align-items: center; font-size: 13px; margin-top: 10px; }
.bars div { background: rgba(var(--tint), .1); border-radius: 4px; height: 16px; position: relative; }
.bars div i { position: absolute; inset: 0 auto 0 0; background: var(--accent); border-radius: 4px; }
.bars div u { position: absolute; top: -2px; bottom: -2px; width: 2px; background: var(--ink); }
.bars span { font-variant-numeric: tabular-nums; }
details summary { cursor: pointer; font-weight: 600; }
pre { overflow: auto; font: 12.5px/1.5 ui-monospace, "DejaVu Sans Mono", Menlo, monospace; margin: 12px 0 0; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: 4px 18px; margin: 12px 0 0; font-size: 14px; }
dt { color: var(--soft); }
dd { margin: 0; overflow-wrap: anywhere; }
@media (max-width: 560px) { main { padding: 16px 12px 40px; } .card { padding: 14px; } }
)css";

}  // namespace agon::app

/** The colours, sizes and parts of the app's own windows, as far as these pages need them. */
export const pageStyle = `:root {
  color-scheme: light dark;
  --font: -apple-system, "SF Pro Text", Inter, system-ui, "Helvetica Neue", sans-serif;
  --mono: ui-monospace, "SF Mono", Menlo, "DejaVu Sans Mono", monospace;
  --size: 14px; --small: 13px; --control: 32px; --control-small: 28px;
  --window: #f5f7f7; --card: #ffffff; --sunken: #eef1f2; --line: rgb(23 36 42 / .10);
  --text: #182126; --text-2: #4c585f; --text-3: #5d6970; --field: rgb(23 36 42 / .48);
  --accent: #0d6480; --accent-fill: #10708f; --accent-fill-hover: #0d6480; --on-accent: #ffffff; --focus: #10708f;
  --attention: #825000; --attention-tint: #fbf0d8; --down: #ae261d; --good-tint: #e4f2e8;
  --shadow-control: 0 0 0 .5px rgb(23 36 42 / .16), 0 1px 1.5px rgb(23 36 42 / .10);
  --shadow-card: 0 0 0 .5px rgb(23 36 42 / .12); --shadow-sheet: 0 14px 38px rgb(10 20 26 / .22);
  --control-bg: #ffffff; --control-bg-press: #eceff0;
}
@media (prefers-color-scheme: dark) {
  :root {
    --window: #1b1f22; --card: #23282b; --sunken: #181c1e; --line: rgb(230 240 245 / .10);
    --text: #e9eef0; --text-2: #b3bdc2; --text-3: #99a5ab; --field: rgb(230 240 245 / .42);
    --accent: #74c2da; --accent-fill: #1b7590; --accent-fill-hover: #1f7f9b; --focus: #74c2da;
    --attention: #e3b15c; --attention-tint: #372c17; --down: #f28b80; --good-tint: #1d3326;
    --shadow-control: 0 0 0 .5px rgb(230 240 245 / .19), 0 1px 1px rgb(0 0 0 / .3);
    --shadow-card: 0 0 0 .5px rgb(230 240 245 / .13); --shadow-sheet: 0 14px 38px rgb(0 0 0 / .55);
    --control-bg: #373e42; --control-bg-press: #2e3437;
  }
}
@media (pointer: coarse), (max-width: 560px) {
  :root { --size: 16px; --small: 14px; --control: 44px; --control-small: 40px; }
}
* { box-sizing: border-box; }
[hidden] { display: none !important; }
body, h1, h2, p, ul, pre { margin: 0; padding: 0; }
ul { list-style: none; }
body { background: var(--window); color: var(--text); font: 400 var(--size)/1.45 var(--font); font-variant-numeric: tabular-nums; }
header { display: flex; flex-wrap: wrap; align-items: center; justify-content: space-between; gap: 12px; padding: 10px 16px; border-bottom: 1px solid var(--line); }
main { max-width: 720px; margin: 0 auto; padding: 24px 16px 48px; display: grid; gap: 16px; grid-template-columns: minmax(0, 1fr); }
h1 { font: 600 20px/26px var(--font); }
h2 { font: 600 var(--size)/1.4 var(--font); }
h1:focus, h2:focus { outline: none; }
a { color: var(--accent); }
code, pre { font: 400 var(--small)/1.5 var(--mono); }
pre { background: var(--sunken); border-radius: 6px; padding: 10px 12px; overflow-x: auto; }
.host { display: inline-flex; align-items: center; gap: 8px; color: var(--text); font-weight: 600; text-decoration: none; min-width: 0; min-height: 28px; overflow-wrap: anywhere; }
.account { display: flex; flex: 0 1 auto; align-items: center; justify-content: space-between; gap: 10px; min-width: 0; color: var(--text-2); }
@media (max-width: 560px) { .account { flex-basis: 100%; } }
.clip { overflow: hidden; text-overflow: ellipsis; white-space: nowrap; min-width: 0; }
.two { color: var(--text-2); font-size: var(--small); }
.lead { margin-top: -10px; }
.card { background: var(--card); border-radius: 8px; box-shadow: var(--shadow-card); padding: 16px; display: grid; gap: 12px; grid-template-columns: minmax(0, 1fr); }
.narrow { width: 100%; max-width: 380px; margin: 4vh auto 0; padding: 24px; }
.narrow h1 + .two { margin-top: -8px; }
.row { display: flex; flex-wrap: wrap; gap: 8px; }
.btn { appearance: none; border: 0; min-height: var(--control); padding: 0 14px; border-radius: 6px; background: var(--control-bg); color: var(--text); box-shadow: var(--shadow-control); font: 500 var(--size)/1.3 var(--font); display: inline-flex; align-items: center; justify-content: center; text-decoration: none; white-space: nowrap; cursor: default; }
.btn:hover { background: var(--control-bg-press); }
.btn.small { min-height: var(--control-small); padding: 0 10px; font-size: var(--small); }
.btn.wide { width: 100%; white-space: normal; overflow-wrap: anywhere; }
.btn.fill { background: var(--accent-fill); color: var(--on-accent); }
.btn.fill:hover { background: var(--accent-fill-hover); }
.btn.danger { color: var(--down); }
:is(a, button, input, select, pre):focus-visible { outline: 2.5px solid var(--focus); outline-offset: 1.5px; }
.or { display: flex; align-items: center; gap: 10px; color: var(--text-3); font-size: var(--small); }
.or::before, .or::after { content: ""; flex: 1; border-top: 1px solid var(--line); }
.down { background: var(--attention-tint); border-radius: 6px; padding: 10px 12px; font-size: var(--small); }
.down strong { color: var(--attention); }
form { display: grid; gap: 6px; }
label { font: 500 var(--small)/1.4 var(--font); color: var(--text-2); }
input:not([type=checkbox]), select { appearance: none; width: 100%; min-height: var(--control); padding: 4px 10px; border: 1px solid var(--field); border-radius: 6px; background: var(--card); color: var(--text); font: 400 var(--size)/1.3 var(--font); }
input::placeholder { color: var(--text-3); opacity: 1; }
select { background-image: linear-gradient(45deg, transparent 50%, currentColor 50%), linear-gradient(-45deg, transparent 50%, currentColor 50%); background-position: right 15px center, right 10px center; background-size: 5px 5px; background-repeat: no-repeat; padding-right: 28px; }
#password-form .btn { margin-top: 6px; }
#password-form label:not(:first-child) { margin-top: 6px; }
#key-form { grid-template-columns: minmax(0, 2fr) minmax(0, 1fr) minmax(0, 1.2fr) auto; gap: 12px; align-items: end; }
#key-form > div { display: grid; gap: 4px; }
@media (max-width: 640px) { #key-form { grid-template-columns: minmax(0, 1fr); } }
.problem { color: var(--down); font-size: var(--small); }
.problem:empty, .said:empty { display: none; }
.said { position: sticky; bottom: 12px; justify-self: center; padding: 6px 14px; border-radius: 6px; background: var(--card); color: var(--text); box-shadow: var(--shadow-card), var(--shadow-sheet); font-size: var(--small); }
.made { background: var(--good-tint); }
.made:not([hidden]) ~ .card .btn.fill { background: var(--control-bg); color: var(--text); }
.line { display: flex; flex-wrap: wrap; align-items: center; gap: 8px; }
.line code { flex: 1 1 260px; min-width: 0; background: var(--card); border-radius: 6px; padding: 6px 10px; overflow-wrap: anywhere; }
.keys li { display: flex; align-items: center; justify-content: space-between; gap: 12px; padding: 10px 0; border-top: 1px solid var(--line); }
.keys li > div { min-width: 0; overflow-wrap: anywhere; }
.keys .btn { flex: none; }
.tag { display: inline-block; padding: 0 6px; border-radius: 4px; font: 500 12px/18px var(--font); box-shadow: inset 0 0 0 1px currentColor; }
.tag.attention { color: var(--attention); }
.tag.gone { color: var(--text-2); }
.check { display: flex; align-items: center; gap: 8px; }
dialog { border: 0; border-radius: 10px; padding: 20px; max-width: min(400px, calc(100vw - 32px)); background: var(--card); color: var(--text); box-shadow: var(--shadow-card), var(--shadow-sheet); }
dialog::backdrop { background: rgb(10 20 26 / .4); }
dialog[open] { display: grid; gap: 12px; }
dialog .row { justify-content: flex-end; }
`

/** A lid on two layers, as in the menu bar. */
export const pageIcon = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 18 18"><g fill="none" stroke="#2a86a3" stroke-width="1.5" stroke-linejoin="round" stroke-linecap="round"><path d="M2 9.6 9 13 16 9.6"/><path d="M2 13 9 16.4 16 13"/><path d="M9 1.9 16 5.6 9 9.3 2 5.6Z" fill="#2a86a3"/></g></svg>`

// The page's one style sheet: light and dark, screen and print. Colours of text are at least 4.5 : 1 on their background,
// those of marks at least 3 : 1.

import type { Category } from '../../costs/events.js'

/** Colours of the categories on a light and on a dark page. */
const CATEGORY_COLOURS: Readonly<Record<Category, readonly [light: string, dark: string]>> = {
  user: ['#2f6db3', '#7fb2ef'],
  kernel: ['#0b7f78', '#4fc4bb'],
  vmm: ['#7746b8', '#bda0f5'],
  firmware: ['#50555e', '#b9bec8'],
  privileged: ['#8f6400', '#e3b450'],
  transitions: ['#c2410c', '#ff9a6b'],
  tlb: ['#6b7280', '#a3abb8'],
  crossings: ['#b5176a', '#ff8ac0'],
  work: ['#8b1a1a', '#e57373'],
}
/** Of the runs, in their order. */
const RUN_COLOURS: readonly (readonly [light: string, dark: string])[] = [
  ['#3b4252', '#cfd5e1'],
  ['#6b7280', '#98a1b0'],
  ['#0b7f78', '#4fc4bb'],
  ['#b5176a', '#ff8ac0'],
  ['#c2410c', '#ff9a6b'],
  ['#2f6db3', '#7fb2ef'],
  ['#7746b8', '#bda0f5'],
]
/** The class of a mark in a run's colour. */
export const runClass = (index: number) => `run-${index % RUN_COLOURS.length}`

function variables(which: 0 | 1): string {
  const categories = Object.entries(CATEGORY_COLOURS).map(([name, colours]) => `--${name}:${colours[which]};`)
  return [...categories, ...RUN_COLOURS.map((colours, n) => `--run-${n}:${colours[which]};`)].join('')
}

const fills = [
  ...Object.keys(CATEGORY_COLOURS).map(
    name => `.fill-${name}{fill:var(--${name})} i.fill-${name}{background:var(--${name})}`,
  ),
  ...RUN_COLOURS.map(
    (_, n) => `.run-${n}{fill:var(--run-${n});stroke:var(--run-${n})} i.run-${n}{background:var(--run-${n})}`,
  ),
].join('\n')

const LIGHT =
  '--page:#ffffff;--panel:#f6f7f9;--ink:#1b1f27;--soft:#525b69;--line:#d3d8e0;--link:#1d5fa8;--good:#17653a;--bad:#a11a1a;'
const DARK =
  '--page:#12151a;--panel:#1b2027;--ink:#e8ebf0;--soft:#a9b2c0;--line:#39424f;--link:#8cc0ff;--good:#7fd6a2;--bad:#ff9d9d;'

export const STYLE = `
:root{color-scheme:light dark;${LIGHT}${variables(0)}}
@media (prefers-color-scheme:dark){:root{${DARK}${variables(1)}}}
*{box-sizing:border-box}
body{margin:0;background:var(--page);color:var(--ink);font:16px/1.55 "Source Serif 4","Charter","Iowan Old Style",Georgia,"DejaVu Serif",serif}
main,header,footer{max-width:1120px;margin:0 auto;padding:0 24px}
header{padding-top:40px}
h1{font-size:34px;line-height:1.15;margin:0 0 6px;letter-spacing:-.01em}
h2{font-size:23px;line-height:1.25;margin:52px 0 8px}
h3{font-size:16px;margin:0 0 2px}
p{margin:0 0 14px;max-width:74ch}
a{color:var(--link)}
.lead{font-size:18px;color:var(--soft)}
h1,h2,h3,th,td,figcaption,legend,label,.cards,.key,.chart text,summary,code{font-family:"Inter","Helvetica Neue",Arial,"DejaVu Sans",sans-serif}
code{font-family:"JetBrains Mono",Menlo,Consolas,"DejaVu Sans Mono",monospace;font-size:13px;overflow-wrap:anywhere}
.verdict{border-left:4px solid var(--good);background:var(--panel);padding:10px 14px;margin:18px 0}
.verdict.differs{border-color:var(--bad)}
.verdict p{margin:0}
fieldset{border:0;margin:26px 0 0;padding:0;display:flex;flex-wrap:wrap;gap:6px 18px;align-items:baseline}
legend{float:left;color:var(--soft);padding:0 12px 0 0;font-size:14px}
label{font-size:15px;cursor:pointer}
input{accent-color:var(--link)}
.cards{display:grid;grid-template-columns:repeat(auto-fill,minmax(160px,1fr));gap:12px;margin:22px 0 8px;padding:0;list-style:none}
.cards li{background:var(--panel);border-radius:8px;padding:12px 14px;border-top:4px solid var(--line)}
.cards b{display:block;font-size:28px;line-height:1.2;font-variant-numeric:tabular-nums}
.cards span{font-size:13px;color:var(--soft)}
.under{font-size:14px;color:var(--soft);margin:0}
figure{margin:14px 0 6px}
figcaption{font-size:14px;color:var(--soft);max-width:90ch;margin-bottom:10px}
.chart{display:block;width:100%;height:auto;overflow:visible}
.dots{min-width:880px}
.chart text{font-size:12px;fill:var(--ink)}
.chart .soft{fill:var(--soft)}
.chart .end{text-anchor:end}
.chart .middle{text-anchor:middle}
.chart .grid{stroke:var(--line);stroke-width:1}
.chart .native{stroke:var(--ink);stroke-width:1.5;stroke-dasharray:4 3}
.chart .band{fill:var(--panel)}
.chart .gap{stroke:var(--page);stroke-width:.75}
.panels{display:grid;grid-template-columns:repeat(auto-fill,minmax(320px,1fr));gap:18px 26px}
.panels h3{display:flex;justify-content:space-between;font-weight:600}
.key{display:flex;flex-wrap:wrap;gap:4px 18px;font-size:13px;padding:0;margin:0 0 12px;list-style:none}
.key i{display:inline-block;width:12px;height:12px;border-radius:2px;margin-right:6px;vertical-align:-1px}
details{margin:8px 0 14px}
summary{cursor:pointer;font-size:14px;color:var(--link);width:fit-content}
.wide{overflow-x:auto}
table{border-collapse:collapse;font-size:13px;margin:8px 0 14px;width:100%}
caption{text-align:left;font:600 14px "Inter","Helvetica Neue",Arial,sans-serif;padding:4px 0}
th,td{padding:4px 10px 4px 0;border-bottom:1px solid var(--line);text-align:left;vertical-align:top}
th{font-weight:600}
.run{white-space:nowrap}
td.number,th.number{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}
.good{color:var(--good)} .bad{color:var(--bad);font-weight:600}
footer{padding-top:30px;padding-bottom:50px;color:var(--soft);font-size:14px}
${fills}
@media (max-width:560px){h1{font-size:27px}.cards{grid-template-columns:1fr 1fr}main,header,footer{padding-left:16px;padding-right:16px}}
@media print{
@page{size:A4;margin:16mm 14mm}
:root{${LIGHT}${variables(0)}}
body{font-size:10pt;line-height:1.4}
main,header,footer{max-width:none;padding:0}
header{padding-top:0}
h1{font-size:20pt}h2{font-size:14pt;margin-top:22pt;break-after:avoid}
fieldset,summary,details.long{display:none}
details::details-content{content-visibility:visible;display:block;height:auto}
figure,.panels>div,tr,.cards li,.verdict{break-inside:avoid}
.panels{grid-template-columns:repeat(3,1fr);gap:10pt 14pt}
.cards{grid-template-columns:repeat(6,1fr)}
.cards b{font-size:15pt}
.wide{overflow:visible}
.dots{min-width:0}
.dots text{font-size:16px}.bars text{font-size:14.5px}.tornado text{font-size:13px}
table{font-size:7.5pt}
td.number,th.number{white-space:normal}
*{-webkit-print-color-adjust:exact;print-color-adjust:exact}
}`

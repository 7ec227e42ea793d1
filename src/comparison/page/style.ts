import { themeVariables } from '../../charts/chart-theme.ts';

/** The style sheet of the page: light and dark, wide and narrow, screen and print. */
export const style = `
:root{color-scheme:light dark;${themeVariables.light}--accent:#0b5cad;--soft:#f5f6f8;--rule:#d8dce3;--strong-rule:#3a414d;--shade:#1f243030}
@media screen and (prefers-color-scheme:dark){:root{${themeVariables.dark}--accent:#8cc2ff;--soft:#1b1f26;--rule:#323844;--strong-rule:#aab2bf;--shade:#000a}}
@media print{:root{color-scheme:light}}
*{box-sizing:border-box}
html{-webkit-text-size-adjust:100%;text-size-adjust:100%}
body{margin:0;background:var(--background);color:var(--ink);font:1rem/1.6 system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue","Noto Sans","Liberation Sans",Arial,sans-serif;overflow-wrap:anywhere}
header,main,footer{width:min(70rem,100% - 2.5rem);margin-inline:auto}
header{padding-top:3rem}
h1,h2,h3{line-height:1.25;font-weight:650;text-wrap:balance}
h1{font-size:clamp(1.6rem,1.2rem + 1.8vw,2.3rem);letter-spacing:-.015em;margin:0 0 .5rem}
h2{font-size:1.35rem;margin:0 0 1rem;letter-spacing:-.01em}
h3{font-size:1.05rem;margin:2rem 0 .25rem}
p,li,dd{max-width:46rem}
a{color:var(--accent);text-underline-offset:.18em;text-decoration-thickness:.06em}
:focus-visible{outline:2px solid var(--accent);outline-offset:3px;border-radius:2px}
.unseen{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%);white-space:nowrap;user-select:none}
.skip{position:absolute;left:1rem;top:-4rem;padding:.5rem 1rem;background:var(--background);border:1px solid var(--accent);z-index:2}
.skip:focus{top:1rem}
.kicker{margin:0 0 .6rem;color:var(--muted);font-size:.85rem;letter-spacing:.04em;text-transform:uppercase}
.question{font-size:1.15rem;color:var(--muted);margin:0 0 1.5rem}
.facts{display:grid;grid-template-columns:max-content minmax(0,1fr);gap:.3rem 1.5rem;margin:1.5rem 0;padding:1rem 0;border-block:1px solid var(--rule);font-size:.92rem}
.facts dt{color:var(--muted)}
.facts dd{margin:0}
nav ol{columns:15rem 3;column-gap:2rem;margin:.5rem 0 0;padding-left:1.3rem;font-size:.92rem}
nav h2{font-size:1rem;margin:0}
section{padding-top:3rem}
.summary p{font-size:1.06rem}
.summary p.small,.note,.intro,.reason{color:var(--muted);font-size:.9rem}
.note{margin:.5rem 0 0}
.intro{margin:0 0 1rem;font-size:.95rem}
figure{margin:0}
figcaption{font-size:.92rem}
.table{position:relative;margin:2rem 0}
.table>figcaption,.chart>figcaption{font-weight:600;margin-bottom:.5rem}
.scroll{position:relative;overflow-x:auto;max-width:100%;background:linear-gradient(to left,var(--background) 45%,transparent) right/3rem 100% no-repeat local,linear-gradient(to left,var(--shade),transparent) right/1.1rem 100% no-repeat scroll}
table{border-collapse:separate;border-spacing:0;font-size:.88rem;line-height:1.35;font-variant-numeric:tabular-nums lining-nums;border-block:1.5px solid var(--strong-rule)}
th,td{padding:.42rem .6rem;text-align:left;overflow-wrap:break-word;vertical-align:baseline;font-weight:400}
th:first-child{padding-left:0;position:sticky;left:0;background:var(--background)}
thead th{vertical-align:bottom;color:var(--muted);border-bottom:1px solid var(--strong-rule);max-width:8.5rem;min-width:3.5rem}
tbody tr+tr>*{border-top:1px solid var(--rule)}
tbody tr.same>*{border-top-color:transparent}
tbody tr.same>th{color:var(--muted)}
td{min-width:3.5rem;max-width:22rem}
td:not(.number){min-width:8rem}
tbody th{min-width:7.5rem;max-width:14rem}
tbody th,td,.name{overflow-wrap:anywhere}
.name{min-width:6.5rem}
.number{white-space:nowrap}
thead .number{white-space:normal}
.number{text-align:right}
td strong{font-weight:750}
.charts{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,var(--least)),1fr));gap:2.2rem 2.5rem;margin:1.5rem 0}
.chart{min-width:0;max-width:var(--most)}
.chart svg{display:block;width:100%;height:auto;overflow:visible}
.chart svg text{font-family:inherit;font-variant-numeric:tabular-nums}
details{margin-top:.4rem;font-size:.92rem}
summary{cursor:pointer;color:var(--muted);width:fit-content;padding:.15rem 0}
details .table{margin:.75rem 0}
.long>summary{color:var(--ink);font-weight:600}
@media screen{.long>.table>figcaption{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)}}
.legend{display:flex;flex-wrap:wrap;gap:.35rem 1.4rem;list-style:none;margin:0 0 1rem;padding:0;font-size:.9rem}
.legend li{display:flex;align-items:center;gap:.5rem;min-width:0}
.legend svg{flex:none}
.legend bdi{min-width:0}
.swatch{flex:none;width:1em;height:1em;border-radius:3px;box-shadow:inset 0 0 0 1px #8886;print-color-adjust:exact;-webkit-print-color-adjust:exact}
.panels{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,var(--least)),1fr));gap:0 2.5rem}
.panel{min-width:0;margin-top:1.5rem}
.panel h3{margin-top:1rem}
.reason{margin:0 0 .75rem}
.pictures{display:grid;grid-template-columns:repeat(auto-fit,minmax(8.6rem,1fr));gap:1.2rem .8rem}
.pictures figure{min-width:0}
.pictures img{display:block;width:100%;height:auto;margin-bottom:.4rem;border-radius:3px}
.pictures figcaption{font-size:.84rem;line-height:1.4;font-variant-numeric:tabular-nums}
.terms{display:grid;grid-template-columns:minmax(9rem,14rem) minmax(0,1fr);gap:.7rem 1.5rem}
.terms dt{font-weight:600}
.terms dd{margin:0}
pre{margin:.5rem 0;padding:.9rem 1.1rem;background:var(--soft);border-radius:4px;overflow-x:auto;font-size:.88rem}
code{font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,"Liberation Mono",monospace}
footer{overflow-wrap:anywhere;margin-top:3.5rem;padding:1.2rem 0 3rem;border-top:1px solid var(--rule);color:var(--muted);font-size:.88rem}
@media (max-width:40rem){
header,main,footer{width:calc(100% - 2rem)}
header{padding-top:1.75rem}
section{padding-top:2.25rem}
.facts,.terms{grid-template-columns:minmax(0,1fr);gap:.1rem}
.facts dd,.terms dd{margin-bottom:.7rem}
.pictures{grid-template-columns:repeat(auto-fit,minmax(6.4rem,1fr));gap:1rem .6rem}
th,td{padding:.4rem .6rem}
tbody th{max-width:9rem}
}
@media print{
@page{margin:15mm 13mm}
html{font-size:12.5px}
body{line-height:1.45}
header,main,footer{width:auto}
header{padding-top:0}
nav,.skip,.chart details{display:none}
section{padding-top:1.6rem}
a{color:inherit;text-decoration:none}
h2,h3,figcaption,summary,.intro,.legend,.reason{break-after:avoid}
.chart,.panel,tr,.terms dt,.terms dd{break-inside:avoid}
thead{display:table-header-group}
.scroll{overflow:visible;background:none}
table{width:100%;font-size:7.2pt}
th,td{padding:.22rem .3rem;min-width:0}
td:not(.number){min-width:5.2rem}
.table:not(:has(tbody tr:nth-child(16))){break-inside:avoid}
tbody th,thead th{min-width:0}
.wide table{font-size:6pt}
.wide th,.wide td{padding:.2rem .18rem}
tbody th{min-width:4rem}
thead .name{min-width:2rem}
th:first-child{position:static}
.charts{grid-template-columns:1fr 1fr;gap:1.2rem 1.4rem}
.panels{display:block}
.panel{display:inline-block;width:min(100%,calc(var(--least)*.86));padding-right:1rem;vertical-align:top}
.pictures{grid-template-columns:repeat(auto-fit,minmax(2.2cm,1fr));gap:.5rem}
.pictures figcaption{font-size:7.5pt}
.long::details-content{content-visibility:visible;display:block;height:auto}
.long>summary{display:none}
.legend,.intro,.summary p{break-inside:avoid}
img,svg{print-color-adjust:exact;-webkit-print-color-adjust:exact}
}
`.trim();

"""How the page looks: light or dark as the reader likes, on any width, and on paper."""

from __future__ import annotations

from typing import Final

CSS: Final = """\
:root{color-scheme:light dark;--text:#1b1f24;--page:#ffffff;--soft:#f3f5f8;--line:#c9d1db;--dim:#4f5965;--accent:#1b5fc1;
--good:#1a6b35;--bad:#b3261e;--free:#e4e9ef}
@media (prefers-color-scheme:dark){:root{--text:#e8ebef;--page:#14181d;--soft:#1d232a;--line:#3d4753;--dim:#a9b4c0;
--accent:#7fb3ff;--good:#7fd69a;--bad:#ff9d94;--free:#2a323c}}
*{box-sizing:border-box}
body{margin:0;font:16px/1.5 system-ui,sans-serif;color:var(--text);background:var(--page)}
main,header,footer{max-width:76rem;margin:0 auto;padding:0 1rem}
h1{font-size:1.7rem;margin:1.5rem 0 .5rem}h2{font-size:1.4rem;margin:2.5rem 0 .5rem;border-top:2px solid var(--line);padding-top:1.5rem}
h3{font-size:1.1rem;margin:1.5rem 0 .5rem}h4{font-size:1rem;margin:1rem 0 .25rem}
a{color:var(--accent)}a:focus-visible,summary:focus-visible,.scroll:focus-visible,pre:focus-visible{outline:3px solid var(--accent);outline-offset:2px}
.skip{position:absolute;left:-99rem}.skip:focus{left:1rem;top:.5rem;background:var(--page);padding:.25rem .5rem}
.hidden{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)}
code,pre{font-family:ui-monospace,monospace;font-size:.9em}
pre{background:var(--soft);border:1px solid var(--line);padding:.75rem;overflow-x:auto;margin:.5rem 0}
.scroll{overflow-x:auto;margin:.75rem 0}
table{border-collapse:collapse;font-size:.92rem}
caption{text-align:left;color:var(--dim);padding-bottom:.25rem}
th,td{text-align:left;padding:.2rem .6rem;border-bottom:1px solid var(--line);vertical-align:top}
tbody th{font-weight:600}th,td{white-space:nowrap}.prose{white-space:normal;min-width:18rem}
.number{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}
.bar{display:block;width:12rem;max-width:40vw;height:.9rem;margin-top:.3rem;background:var(--free);border:1px solid var(--line)}
.fill{display:block;height:100%;background:var(--accent)}
.grid td,.grid th{text-align:center;padding:.15rem .35rem;border:1px solid var(--line);min-width:2.2rem;font-variant-numeric:tabular-nums}
.grid td{background:color-mix(in srgb,var(--accent) calc(var(--load)*45%),var(--page))}
.grid thead th,.grid tbody th{color:var(--dim);font-weight:400}
.grid .idle{background:var(--soft);color:var(--dim)}
.facts{display:grid;grid-template-columns:repeat(auto-fit,minmax(10rem,1fr));gap:.75rem;margin:1rem 0;padding:0}
.facts div{background:var(--soft);border:1px solid var(--line);padding:.5rem .75rem}
.facts dt{color:var(--dim);font-size:.85rem}.facts dd{margin:0;font-size:1.1rem;font-weight:600}
.sides{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,24rem),1fr));gap:1rem}
.verdict{font-weight:700}.verdict.good{color:var(--good)}.verdict.bad{color:var(--bad)}
svg{display:block}caption{white-space:normal}
svg text{font:13px system-ui,sans-serif;fill:var(--text)}
svg .tensor{fill:var(--soft);stroke:var(--line)}svg .program{fill:var(--page);stroke:var(--accent);stroke-width:2}
svg path{fill:none;stroke:var(--dim)}
footer{color:var(--dim);padding:2rem 1rem}
@media print{body{font-size:11px}.scroll{overflow:visible}h2{break-before:page}details{display:block}nav,.skip{display:none}
.bar,.fill,.grid td{print-color-adjust:exact;-webkit-print-color-adjust:exact}}
"""

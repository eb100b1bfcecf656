/** How the pages look: two columns, one where the window is narrow; light or dark as the reader's system is. */
export const css = `
:root { --ink: #1c1c1c; --paper: #fff; --pale: #f6f6f4; --line: #ddd; --link: #0058a3; --key: #7a1f5c; --text: #1b6b3a; --note: #8a5a00; --number: #0058a3; --hint: #6a6a6a; }
@media (prefers-color-scheme: dark) { :root { --ink: #e4e4e4; --paper: #16181b; --pale: #1e2125; --line: #3a3d42; --link: #7db8f0; --key: #e59ac8; --text: #8fd3a5; --note: #e8b65c; --number: #7db8f0; --hint: #9a9a9a; } }
* { box-sizing: border-box; }
body { margin: 0; color: var(--ink); background: var(--paper); font: 16px/1.5 Georgia, 'Times New Roman', serif; }
nav { padding: 10px 24px; border-bottom: 1px solid var(--line); font-family: Helvetica, Arial, sans-serif; font-size: 14px; }
nav a { margin-right: 18px; }
a { color: var(--link); text-decoration: none; } a:hover { text-decoration: underline; }
header { padding: 12px 24px; max-width: 60em; } h1 { font: bold 22px Helvetica, Arial, sans-serif; }
article { padding: 0 24px 40px; max-width: 70em; }
section { display: grid; grid-template-columns: minmax(20em, 2fr) 3fr; border-top: 1px solid var(--line); }
section:target .words { box-shadow: inset 4px 0 var(--link); }
.words { padding: 10px 24px; min-width: 0; overflow-wrap: break-word; }
.words h2 { margin: 4px 0; font: bold 16px Helvetica, Arial, sans-serif; } .words h2.inner { font-weight: normal; }
.code { margin: 0; padding: 12px 18px; background: var(--pale); font: 13px/1.45 Menlo, Consolas, 'DejaVu Sans Mono', monospace; overflow-x: auto; tab-size: 2; }
.code a { color: inherit; border-bottom: 1px dotted var(--hint); } .code b { color: var(--key); font-weight: normal; } .code i { color: var(--hint); }
.code s { color: var(--text); text-decoration: none; } .code u { color: var(--number); text-decoration: none; }
code { font: 0.86em Menlo, Consolas, 'DejaVu Sans Mono', monospace; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: 2px 12px; font-size: 14.5px; margin: 8px 0; }
dt { font-family: Helvetica, Arial, sans-serif; font-size: 13px; color: var(--hint); } dd { margin: 0; min-width: 0; } .departs { color: var(--note); }
.files { list-style: none; padding: 0; } .files li { margin: 10px 0; } .file { font: bold 15px Helvetica, Arial, sans-serif; margin-right: 8px; }
.names { font: 12.5px Menlo, Consolas, 'DejaVu Sans Mono', monospace; } .names a { margin-right: 8px; }
table { border-collapse: collapse; font-size: 14.5px; } td, th { border: 1px solid var(--line); padding: 4px 8px; text-align: left; vertical-align: top; }
.katex-display { overflow-x: auto; overflow-y: hidden; margin: 0.6em 0; }
@media (max-width: 900px) { section { grid-template-columns: 1fr; } }
`;

// search.mjs OUT PAGE...: makes the index that the search dialog reads
// (theme/search.js), in OUT/pagefind/, with pagefind of tests/package.json.
//
// The pages are prose. Beside them it indexes source pages, which are
// OUT/source/CHAPTER/FILE.html: each file once, in the last chapter that changed
// it, for nine copies of a file would be nine equal answers.

import fs from 'node:fs'
import path from 'node:path'

const LIBRARY = new URL('../tests/node_modules/pagefind/lib/index.js', import.meta.url)
const FILES = /^(pagefind\.js|pagefind-worker\.js|pagefind-entry\.json|.*\.(pagefind|pf_\w+))$/

// What says a thing again, or says it to machines.
const LEFT_OUT = ['nav', 'svg', 'del', 'math annotation', 'trap-stepper', '.walk',
  '.chart table', '.chapters', '.title .number', '.sn-number', '.sn-ref',
  ':is(h2, h3, h4) > a', '#uses', '.uses', '.mentions a']

// How much a word weighs there; in a heading more, as pagefind has it. A listing's
// caption names what is defined in it, and so do the links in a source page.
const WEIGHTS = { '<pre': 0.4, '<dfn': 3, '<figcaption': 3, '<a class=d': 3 }

const [out, ...pages] = process.argv.slice(2)

function read(name) {
  return fs.readFileSync(path.join(out, name), 'utf8')
}

function directories(name) {
  const entries = fs.existsSync(path.join(out, name))
    ? fs.readdirSync(path.join(out, name), { withFileTypes: true }) : []
  return entries.filter(entry => entry.isDirectory()).map(entry => entry.name).sort()
}

function sourcePages() {
  const last = new Map()
  for (const chapter of directories('source')) {
    const names = fs.readdirSync(path.join(out, 'source', chapter))
    for (const copy of names.filter(name => name.endsWith('.txt'))) {
      const text = read(`source/${chapter}/${copy}`)
      const page = copy.replace(/txt$/, 'html')
      if (names.includes(page) && last.get(copy)?.text !== text)
        last.set(copy, { text, page: `source/${chapter}/${page}` })
    }
  }
  return [...last.values()].map(file => file.page)
}

const pagefind = await import(LIBRARY)
const { index } = await pagefind.createIndex({ rootSelector: 'main', keepIndexUrl: true, includeCharacters: '=',
  excludeSelectors: LEFT_OUT })

async function add(url, kind) {
  const content = Object.entries(WEIGHTS).reduce((html, [start, weight]) =>
    html.replaceAll(new RegExp(`${start}\\b`, 'g'), `$& data-pagefind-weight="${weight}"`),
    read(url).replace('<main', `$& data-pagefind-filter="kind:${kind}"`))
  const { errors } = await index.addHTMLFile({ url, content })
  if (errors.length) throw new Error(`${url}: ${errors}`)
}

await Promise.all([...pages.map(page => add(page + '.html', 'prose')),
  ...sourcePages().map(page => add(page, 'code'))])
const { files } = await index.getFiles()
const home = path.join(out, 'pagefind')
fs.rmSync(home, { recursive: true, force: true })
for (const { path: name, content } of files) {
  if (!FILES.test(path.basename(name))) continue
  fs.mkdirSync(path.dirname(path.join(home, name)), { recursive: true })
  fs.writeFileSync(path.join(home, name), content)
}
await pagefind.close()

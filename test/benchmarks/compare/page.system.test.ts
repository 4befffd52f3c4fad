// The page in a real browser without a network: nothing goes wrong on its console, and axe-core finds nothing wrong with
// contrast, names, labels and roles, light and dark, with every fold open, under each cost table.
import { execFile } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import axe from 'axe-core'
import { htmlReport } from '../../../benchmarks/compare/html/page.js'
import { toyReport } from './fixture.js'

const BROWSER = '/usr/bin/chromium'
const MINUTES = 60_000
const folder = mkdtempSync(join(tmpdir(), 'previrt-page-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const present = existsSync(BROWSER)
if (!present) console.warn(`skipped: ${BROWSER} is not there; apt-get install chromium`)
const withBrowser = present ? test : test.skip

async function browse(name: string, html: string, ...options: string[]) {
  const file = join(folder, name)
  writeFileSync(file, html)
  const quiet = [
    '--headless',
    '--no-sandbox',
    '--disable-gpu',
    '--enable-logging=stderr',
    `--user-data-dir=${folder}/profile`,
  ]
  const offline = ['--host-resolver-rules=MAP * ~NOTFOUND', '--virtual-time-budget=30000']
  const words = [...quiet, ...offline, ...options, `file://${file}`]
  const { stdout, stderr } = await promisify(execFile)(BROWSER, words, { maxBuffer: 64 << 20 })
  return { stdout, console: stderr.split('\n').filter(line => line.includes('CONSOLE')) }
}

/** The page with a script that shows all, lets axe look at it, and writes what it found into the page. */
function examined(page: string): string {
  const source = axe.source.replaceAll('</script', '<\\/script')
  const look = `for (const each of document.querySelectorAll('details')) each.open = true
    axe.run(document, { resultTypes: ['violations'] }).then(({ violations, passes }) => {
      const found = violations.map(({ id, nodes }) => id + ': ' + nodes.map(({ html }) => html.slice(0, 200)).join(' | '))
      const result = document.createElement('pre')
      result.id = 'result'
      result.textContent = JSON.stringify({ found, passed: passes.map(({ id }) => id) })
      document.body.append(result)
    })`
  return page.replace('</body>', () => `<script>${source}</script><script>${look}</script></body>`)
}

withBrowser.each([
  ['light', 1],
  ['dark', 0],
])(
  '%s: no console error, nothing that axe objects to',
  async (name, scheme) => {
    const { stdout, console } = await browse(
      `${name}.html`,
      examined(htmlReport(toyReport())),
      '--dump-dom',
      `--blink-settings=preferredColorScheme=${scheme}`,
    )
    expect(console).toEqual([])
    const [, result] = /<pre id="result">(.*?)<\/pre>/s.exec(stdout)!
    const { found, passed } = JSON.parse(
      result!.replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&amp;', '&'),
    )
    expect(found).toEqual([])
    expect(passed).toEqual(expect.arrayContaining(['color-contrast', 'label', 'svg-img-alt', 'document-title']))
  },
  2 * MINUTES,
)

withBrowser(
  'text that is too pale and a field without a label are found',
  async () => {
    const spoiled = htmlReport(toyReport()).replace(
      '</header>',
      '<p style="color:#ccc;background:#fff">pale</p><input></header>',
    )
    const { stdout } = await browse('spoiled.html', examined(spoiled), '--dump-dom')
    const [, result] = /<pre id="result">(.*?)<\/pre>/s.exec(stdout)!
    expect(result).toMatch(/color-contrast: .*pale/)
    expect(result).toMatch(/label: /)
  },
  2 * MINUTES,
)

withBrowser(
  'it prints on a few pages',
  async () => {
    const pdf = join(folder, 'page.pdf')
    await browse('print.html', htmlReport(toyReport()), `--print-to-pdf=${pdf}`, '--no-pdf-header-footer')
    const pages = readFileSync(pdf, 'latin1').match(/\/Type\s*\/Page\b/g)!
    expect(pages.length).toBeGreaterThanOrEqual(2)
    expect(pages.length).toBeLessThanOrEqual(12)
  },
  2 * MINUTES,
)

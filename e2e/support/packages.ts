import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

const root = (path: string) => fileURLToPath(new URL(`../../${path}`, import.meta.url))

/** The environment of somebody who types a command: nothing of an `npm run` that this process may be part of. */
const plainEnv = Object.fromEntries(
  Object.entries(process.env).filter(
    ([name]) => !/^(npm_(package|lifecycle)_.*|npm_config_(ignore_scripts|local_prefix)|INIT_CWD)$/i.test(name),
  ),
)

/** Packs the four packages as they are published; gives the path of each one's tarball. */
export function packPackages(): (name: string) => string {
  execFileSync(process.execPath, [root('scripts/pack.mjs')], { stdio: 'ignore' })
  const { version } = JSON.parse(readFileSync(root('package.json'), 'utf8'))
  return (name) => root(`.cache/packages/${name}-${version}.tgz`)
}

/** An empty folder outside of the repository, where nothing of ours is found on the way up. */
export function openFolder() {
  const path = mkdtempSync(join(tmpdir(), 'hither-install-'))
  /** Runs a program there and gives its error stream. Fails with all that it said. */
  const run = (command: string, ...args: readonly string[]): string => {
    const options = { cwd: path, env: plainEnv, encoding: 'utf8' as const, shell: process.platform === 'win32' }
    const { status, stdout, stderr } = spawnSync(command, args, options)
    if (status !== 0) throw new Error(`${command} ${args.join(' ')}\n${stdout}${stderr}`)
    return stderr
  }
  return { path, run, remove: () => rmSync(path, { recursive: true, force: true }) }
}

/** Starts a server in a folder, and ends it with all its children. `found` takes its address from what it prints. */
export async function startServer(path: string, found: RegExp, command: string, ...args: readonly string[]) {
  const env = { ...plainEnv, PORT: '0', NO_COLOR: '1' }
  const child = spawn(command, args, { cwd: path, env, detached: true, stdio: ['ignore', 'pipe', 'pipe'] })
  let said = ''
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  const origin = await new Promise<string>((resolve, reject) => {
    for (const stream of [child.stdout, child.stderr]) {
      createInterface(stream).on('line', (line) => {
        said += `${line}\n`
        const [, address] = found.exec(line) ?? []
        if (address !== undefined) resolve(address)
      })
    }
    child.once('error', reject)
    void ended.then(() => reject(new Error(`${command} ${args.join(' ')} ended: ${said}`)))
  })
  return {
    origin,
    async stop() {
      if (child.pid !== undefined && child.exitCode === null) process.kill(-child.pid, 'SIGTERM')
      await ended
    },
  }
}

export interface InstalledPackage {
  readonly name: string
  readonly folder: string
  /** Those that npm would run: a gyp file alone is one, too. */
  readonly installScripts: readonly string[]
}

/** Every package below a `node_modules`, those inside of packages too. */
export function installedPackages(modules: string): InstalledPackage[] {
  const inFolder = (folder: string): InstalledPackage[] => {
    const { name, scripts = {} } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))
    const names = readdirSync(folder)
    const installScripts = ['preinstall', 'install', 'postinstall', 'binding.gyp'].filter(
      (script) => script in scripts || names.includes(script),
    )
    const inside = names.includes('node_modules') ? installedPackages(join(folder, 'node_modules')) : []
    return [{ name, folder, installScripts }, ...inside]
  }
  return readdirSync(modules)
    .filter((name) => !name.startsWith('.'))
    .flatMap((name) =>
      name.startsWith('@') ? readdirSync(join(modules, name)).map((each) => join(name, each)) : [name],
    )
    .flatMap((name) => inFolder(join(modules, name)))
}

/** All files below a folder, as paths from there, with their sizes. */
export const filesBelow = (folder: string): { readonly path: string; readonly bytes: number }[] =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .map((path) => ({ path, stats: statSync(join(folder, path)) }))
    .filter(({ stats }) => stats.isFile())
    .map(({ path, stats }) => ({ path, bytes: stats.size }))

/** The code blocks of one language below a heading of README.md, up to the next heading. */
export function readmeBlocks(heading: string, language: string, file = 'README.md'): string[] {
  const text = readFileSync(root(file), 'utf8')
  const [, section] = text.split(`\n${heading}\n`)
  if (section === undefined) throw new Error(`${file} has no ${heading}`)
  const [body = ''] = section.split(/\n## /)
  return [...body.matchAll(/```(\w+)\n([\s\S]*?)```/g)]
    .filter(([, found]) => found === language)
    .map(([, , code = '']) => code)
}

/** A README's block of commands, with the tarballs for the packages of ours that they install. */
export const commandsOf = (block: string, tarball: (name: string) => string): string[][] =>
  block
    .trim()
    .split('\n')
    .map((line) => line.replace(/\s*#.*$/, '').split(' '))
    .map((words) =>
      words[0] === 'npm' && words[1] === 'install'
        ? words.map((word) => (/^(create-)?hither(-\w+)?$/.test(word) ? tarball(word) : word))
        : words,
    )

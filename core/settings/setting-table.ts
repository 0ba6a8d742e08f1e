import type * as v from 'valibot'
import { buildSettings } from './build-settings.ts'
import {
  address,
  count,
  duration,
  file,
  flag,
  networks,
  oneOf,
  openTo,
  publicKey,
  text,
} from './setting-kind.ts'

/** Every setting of Zotbar. A setting that names a program, command, host, file or URL is `via: 'cli'`. */
export const settingTable = {
  keepServing: flag(false, { how: 'now', words: 'Quitting leaves the registry running' }),
  startAtLogin: flag(false, {
    how: 'now',
    words: 'Start Zotbar when you log in, and bring it back if it crashes (menu bar only)',
  }),
  notifications: flag(true, { how: 'now', words: 'Notify when the registry stops serving' }),
  'config.file': file({
    how: 'restart',
    words: 'The config.json to use; nothing means ~/.config/zot/config.json',
  }),
  engine: oneOf(['zotbar-registry', 'zot'], {
    how: 'restart',
    words: 'The program that serves the images; zotbar engine use changes it with all the checks',
  }),
  'engine.path': file({
    how: 'restart',
    words: 'The zot to run; nothing means the first that zotbar engine list shows',
  }),
  'registry.trustedProxies': networks({
    how: 'restart',
    words: 'Reverse proxies whose X-Forwarded-For zotbar-registry believes; this computer always is one',
  }),
  'registry.open': openTo({
    how: 'restart',
    words: 'Where zotbar-registry may serve other machines without asking anybody who they are',
  }),
  'gate.readySeconds': count(30, 1, 3600, {
    how: 'now',
    words: 'After a change of the engine: how long it may take to be ready, in seconds; many tags add to it',
  }),
  'gate.stableSeconds': count(60, 0, 3600, {
    how: 'now',
    words: 'After a change of the engine: how long it must then run without a restart, in seconds',
  }),
  ...buildSettings,
  'gate.checks': text({
    form: /^[^\0]+$/,
    allowed: 'command lines for /bin/sh, one per line, or nothing',
    via: 'cli',
    how: 'now',
    words: 'After an upgrade: commands of yours that must succeed, such as mise run services-check',
  }),
  'upgrade.schedule': oneOf(['never', 'weekly'], {
    how: 'now',
    words: 'Whether a headless Zotbar upgrades zot by itself; never: it only notifies',
  }),
  'dashboard.port': count(5051, 0, 65535, {
    how: 'now',
    words: 'Port of the dashboard on 127.0.0.1; 0 lets the system choose. Another port ends its sessions',
  }),
  'logs.maxMegabytes': count(10, 1, 1024, {
    how: 'restart',
    words: "Size at which the log of the registry's output is rotated, in MB",
  }),
  'logs.keep': count(3, 0, 20, { how: 'restart', words: 'How many rotated logs are kept' }),
  'storage.warnDays': count(14, 1, 3650, {
    how: 'now',
    words: 'Warn when the volume will be full in fewer days than this',
  }),
  'storage.warnFreePercent': count(10, 0, 90, {
    how: 'now',
    words: 'Warn when less than this part of the volume is free, in percent',
  }),
  'secrets.keyFile': file({
    how: 'now',
    words:
      'The file whose content unlocks the encrypted file that keys are stored in; nothing means the keychain',
  }),
  'secrets.plain': {
    ...flag(false, {
      how: 'now',
      words: 'Without a keychain and a key file, keep keys in a file that is not encrypted',
    }),
    via: 'cli',
  },
  'upgrade.timeLimits': flag(false, {
    how: 'now',
    words: 'With an upgrade to v2.1.17 or later, set http.readTimeout and http.writeTimeout to 1h',
  }),
  'advice.url': address({
    how: 'now',
    words: 'More advisories about releases of zot, as JSON; nothing means those that come with Zotbar alone',
  }),
  'forgejo.url': address({ how: 'now', words: 'Where Forgejo or Gitea answers, for its Actions secrets' }),
  'notices.webhook': text({
    form: /^((ntfy|slack|json)\+)?https?:\/\/[^\s/]+\S*$/,
    allowed:
      'an address, with ntfy+, slack+ or json+ before it where its host does not say the form, or nothing',
    via: 'cli',
    secret: true,
    how: 'now',
    words: 'Where else to notify that a key is near its end',
  }),
  'notices.quietHours': text({
    form: /^([01]\d|2[0-3]):[0-5]\d-([01]\d|2[0-3]):[0-5]\d$/,
    allowed: 'HH:MM-HH:MM by the clock on the wall, or nothing',
    via: 'any',
    how: 'now',
    words: 'When no notice about keys is sent; it is sent when they are over',
  }),
  'releases.url': {
    ...address({ how: 'now', words: 'The API that lists releases of zot, in the form of GitHub’s' }),
    default: 'https://api.github.com',
  },
  'releases.repository': {
    ...text({
      form: /^[A-Za-z0-9_.-]{1,100}\/[A-Za-z0-9_.-]{1,100}$/,
      allowed: 'OWNER/NAME',
      via: 'cli',
      how: 'now',
      words: 'The repository whose releases are listed',
    }),
    default: 'project-zot/zot',
  },
  'releases.publicKey': publicKey({
    how: 'now',
    words: 'The Ed25519 key that signs the manifest of every release; nothing means that none is asked for',
  }),
  'releases.check': flag(true, {
    how: 'now',
    words: 'Look once a day whether there is a newer zot, and notify; nothing is downloaded or changed',
  }),
  'rotation.days': count(90, 1, 366, {
    how: 'now',
    words: 'The lifetime of a key that Zotbar creates, in days',
  }),
  'rotation.overlap': duration('24h', 30, {
    how: 'now',
    words: 'How long the old key goes on working after a rotation',
  }),
  'rotation.label': {
    ...text({
      form: /^[^\p{Cc}\p{Bidi_Control}]{1,150}$/u,
      allowed: 'one line of at most 150 characters, in which <host>, <user> and <date> are filled in',
      via: 'any',
      how: 'now',
      words: 'The label of a key that Zotbar creates; a short mark of the rotation is added',
    }),
    default: 'zotbar/<host>/<date>',
  },
} as const

export type SettingKey = keyof typeof settingTable
export type SettingValue<K extends SettingKey> = v.InferOutput<(typeof settingTable)[K]['schema']>

export const isSettingKey = (key: string): key is SettingKey => Object.hasOwn(settingTable, key)

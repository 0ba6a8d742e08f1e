import { describe, expect, it } from 'vitest'
import { findingsFor } from '../../../core/advisories/advisory-findings.ts'
import { editFor } from '../../../core/advisories/config-edit.ts'
import { viewConfig } from '../../../core/advisories/config-view.ts'

const yaml = {
  file: '/etc/zot/config.yaml',
  text: [
    'http:',
    '  port: 5050',
    '  accessControl:',
    '    metrics:',
    '      users: ""',
    '    repositories:',
    '      "**": &rules {anonymousPolicy: read}',
    '      team/**: *rules',
    'storage:',
    '  rootDirectory: /data',
    '  gc: "true"',
  ].join('\n'),
}

describe('a config in YAML', () => {
  it('is looked at like one in JSON', () => {
    const view = viewConfig(yaml)
    if ('reason' in view) throw new Error(view.reason)
    expect(
      view.find('HTTP.accesscontrol.repositories.*.anonymousPolicy').map(({ keyPath }) => keyPath),
    ).toEqual([
      'http.accessControl.repositories["**"].anonymousPolicy',
      'http.accessControl.repositories["team/**"].anonymousPolicy',
    ])
    expect(view.lines().get('http.accessControl.repositories["team/**"]')).toBe(8)
    expect(findingsFor({ running: 'v2.1.13', to: 'v2.1.18', config: yaml })).not.toContainEqual(
      expect.objectContaining({ id: 'config-not-understood' }),
    )
  })

  it('is not edited: the lines to change are named', () => {
    const { offers, edit, byHand } = editFor({
      running: 'v2.1.13',
      to: 'v2.1.18',
      config: yaml,
      accepted: ['request-time-limits'],
    })
    expect(offers.map(({ id }) => id)).toEqual(['anonymous-metrics', 'request-time-limits'])
    expect(edit).toBeUndefined()
    expect(byHand).toContain('Zotbar does not edit the file: it is YAML.')
    expect(byHand).toContain(
      'It concerns http.accessControl.metrics.users (line 5), http.accessControl.metrics.anonymousPolicy (not there yet: in the block of line 4), http.readTimeout (not there yet: in the block of line 1)',
    )
  })

  it('that cannot be read is told by its line', () => {
    expect(viewConfig({ ...yaml, text: 'http:\n\tport: 1' })).toEqual({
      reason: 'it is no YAML: a tab is not allowed as indentation: use spaces in line 2',
    })
    expect(viewConfig({ file: 'config.toml', text: '' })).toEqual({ reason: 'it is neither JSON nor YAML' })
  })
})

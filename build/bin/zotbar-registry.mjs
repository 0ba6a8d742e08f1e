#!/usr/bin/env node
import { runBundle } from './pinned-node.mjs'

await runBundle('registry/zotbar-registry.mjs')

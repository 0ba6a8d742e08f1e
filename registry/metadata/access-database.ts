import { join } from 'node:path'
import { type OpenDatabase, openDatabase } from './database.ts'
import type { DatabaseWriter, WriterThread } from './writer.ts'

const versions = [
  `CREATE TABLE api_keys (
     uuid TEXT PRIMARY KEY,
     hash TEXT NOT NULL UNIQUE,
     user TEXT NOT NULL,
     origin TEXT NOT NULL,
     label TEXT NOT NULL,
     scopes TEXT NOT NULL,
     created_at INTEGER NOT NULL,
     expires_at INTEGER NOT NULL,
     creator_ua TEXT NOT NULL,
     generated_by TEXT NOT NULL,
     ancestors TEXT NOT NULL,
     last_used INTEGER
   ) STRICT;
   CREATE INDEX api_keys_of_user ON api_keys (user);
   CREATE TABLE users (
     user TEXT PRIMARY KEY,
     groups TEXT NOT NULL,
     signed_in_at INTEGER NOT NULL
   ) STRICT;
   CREATE TABLE sessions (
     hash TEXT PRIMARY KEY,
     user TEXT NOT NULL,
     origin TEXT NOT NULL,
     groups TEXT NOT NULL,
     details TEXT NOT NULL,
     created_at INTEGER NOT NULL,
     expires_at INTEGER NOT NULL
   ) STRICT`,
]

/** Keys, sessions and what the identity provider said last. `folder` is `<root>/_zotbar`. */
export const openAccessDatabase = (folder: string): OpenDatabase =>
  openDatabase(fileIn(folder), { durability: 'full', versions })

/** Its writer; open the database first. */
export const accessWriter = (folder: string, thread: WriterThread): DatabaseWriter =>
  thread.writer(fileIn(folder), 'full')

const fileIn = (folder: string): string => join(folder, 'access.db')

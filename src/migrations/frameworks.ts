/**
 * Every framework that is known, in the order in which they win a folder that several claim with
 * the same certainty. A new one is one file and one line here, a fixture and a documentation row.
 */
import { atlas } from './atlas.ts';
import { alembic } from './code/alembic.ts';
import { dbMigrate } from './code/db-migrate.ts';
import { pgroll, reshape } from './code/declared.ts';
import { django } from './code/django.ts';
import { fizz } from './code/fizz.ts';
import { scriptOther } from './code/javascript-other.ts';
import { knex } from './code/knex.ts';
import { liquibaseChangelog } from './code/liquibase-changelog.ts';
import { nodePgMigrateJs } from './code/node-pg-migrate-js.ts';
import { otherCode } from './code/other.ts';
import { rails } from './code/rails.ts';
import { sequelize } from './code/sequelize.ts';
import { typeorm } from './code/typeorm.ts';
import { dbmate } from './dbmate.ts';
import { diesel } from './diesel.ts';
import { drizzleFolders } from './drizzle-folders.ts';
import { drizzle } from './drizzle.ts';
import { flyway } from './flyway.ts';
import type { Framework } from './framework.ts';
import { golangMigrate } from './golang-migrate.ts';
import { goose } from './goose.ts';
import { liquibase } from './liquibase.ts';
import { nodePgMigrate } from './node-pg-migrate.ts';
import { plain } from './plain.ts';
import { postgresMigrations } from './postgres-migrations.ts';
import { postgrator } from './postgrator.ts';
import { prisma } from './prisma.ts';
import { sqitch } from './sqitch.ts';
import { sqlx } from './sqlx.ts';
import { supabase } from './supabase.ts';

export const frameworks: readonly Framework[] = [
  drizzle,
  drizzleFolders,
  prisma,
  supabase,
  atlas,
  sqitch,
  sqlx,
  diesel,
  postgresMigrations,
  flyway,
  liquibase,
  goose,
  dbmate,
  nodePgMigrate,
  golangMigrate,
  postgrator,
  rails,
  alembic,
  django,
  knex,
  typeorm,
  sequelize,
  dbMigrate,
  nodePgMigrateJs,
  scriptOther,
  liquibaseChangelog,
  fizz,
  pgroll,
  reshape,
  otherCode,
  plain,
];

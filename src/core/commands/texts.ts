import type { CommandText } from '../commands.ts';

/** Calls and settings that destroy or migrate when the program starts. */
export const commandTexts: readonly CommandText[] = [
  {
    id: 'api-delete',
    kind: 'destroys',
    does: 'delete a volume, service or database',
    pattern:
      /\b(?:volume|volumeInstanceBackup|service|environment|project|database)Delete\b\s{0,9}\(/,
    example: 'curl -d \'{"query":"mutation { volumeDelete(volumeId: 1) }"}\' $API',
    safe: 'curl -d \'{"query":"query { volumes { id } }"}\' $API',
  },
  {
    id: 'sync-force',
    kind: 'destroys',
    does: 'drop and create every table when the program starts',
    pattern: /\.sync\(\s{0,9}\{[^}]{0,99}\bforce\s{0,9}:\s{0,9}true/,
    example: 'await sequelize.sync({ force: true });',
    safe: 'await calendar.sync({ since: cursor });',
  },
  {
    id: 'drop-schema',
    kind: 'destroys',
    does: 'drop the schema when the program starts',
    pattern: /\bdropSchema["']?\s{0,9}[:=]\s{0,9}true/i,
    example: 'new DataSource({ dropSchema: true })',
    safe: 'new DataSource({ dropSchema: false })',
  },
  {
    id: 'synchronize',
    kind: 'destroys',
    does: 'change the schema to the entities when the program starts, with columns lost',
    pattern: /\bsynchronize["']?\s{0,9}[:=]\s{0,9}true/i,
    example: 'TypeOrmModule.forRoot({ synchronize: true })',
    safe: 'TypeOrmModule.forRoot({ synchronize: false })',
  },
  {
    id: 'ddl-auto-create',
    kind: 'destroys',
    does: 'drop and create the schema when the program starts',
    pattern: /\b(?:ddl-auto|hbm2ddl\.auto)["']?\s{0,9}[:=]\s{0,9}["']?create(?:-drop|-only)?\b/i,
    example: 'spring.jpa.hibernate.ddl-auto=create-drop',
    safe: 'spring.jpa.hibernate.ddl-auto=validate',
  },
  {
    id: 'drop-database-call',
    kind: 'destroys',
    does: 'drop the database',
    pattern: /\.dropDatabase\(/,
    example: 'await mongoose.connection.dropDatabase();',
    safe: 'await mongoose.connection.close();',
  },
  {
    id: 'drop-all-call',
    kind: 'destroys',
    does: 'drop every table',
    pattern: /\.(?:drop_all|dropAllTables|dropAllSchemas)\(/,
    example: 'Base.metadata.drop_all(engine)',
    safe: 'Base.metadata.reflect(engine)',
  },
  {
    id: 'flyway-clean-call',
    kind: 'destroys',
    does: 'drop every object',
    pattern: /\bflyway(?:\(\))?\.clean\(/i,
    example: 'flyway.clean();',
    safe: 'flyway.info();',
  },
  {
    id: 'guard-switched-off',
    kind: 'destroys',
    does: 'switch off the guard against emptying a production database',
    pattern:
      /\b(?:DISABLE_DATABASE_ENVIRONMENT_CHECK|PRISMA_USER_CONSENT_FOR_DANGEROUS_AI_ACTION)\b/,
    example: 'DISABLE_DATABASE_ENVIRONMENT_CHECK=1 bin/deploy',
    safe: 'DATABASE_URL=$URL bin/deploy',
  },
  {
    id: 'ddl-auto-update',
    kind: 'migrates',
    does: 'change the schema when the program starts',
    pattern: /\b(?:ddl-auto|hbm2ddl\.auto)["']?\s{0,9}[:=]\s{0,9}["']?update\b/i,
    example: 'spring.jpa.hibernate.ddl-auto=update',
    safe: 'spring.jpa.hibernate.ddl-auto=none',
  },
  {
    id: 'migrate-at-start',
    kind: 'migrates',
    does: 'migrate the database when the program starts',
    pattern:
      /\bmigrate\(\s{0,9}[\w.]{1,60}\s{0,9},\s{0,9}\{[^}]{0,99}migrationsFolder|\.migrate\.latest\(|\.runMigrations\(|\bmigrationsRun["']?\s{0,9}:\s{0,9}true|\.Database\.Migrate(?:Async)?\(|\.create_all\(/,
    example: "await migrate(db, { migrationsFolder: 'drizzle' });",
    safe: 'await migrate(users, { to: region });',
  },
];

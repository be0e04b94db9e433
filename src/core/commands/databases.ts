/**
 * Commands that destroy data in a database, or run SQL that no dry run has seen.
 * The form of a row is said in commands.ts.
 */
export const databases: string = String.raw`
prisma-force-reset: empty the database
> prisma db push +--force-reset +--accept-data-loss
! npx prisma db push --accept-data-loss
= npx prisma migrate status
prisma-reset: empty the database
> prisma migrate reset
! pnpm exec prisma migrate reset --force
= prisma migrate status
prisma-execute: run SQL that no dry run has seen
> prisma db execute
! prisma db execute --file wipe.sql
= prisma db pull
drizzle-push-force: drop what the schema file does not name
> drizzle-kit push|push:pg +--force
! npx drizzle-kit push --force
= npx drizzle-kit generate
rails-drop: drop the database
> rails/rake/bin/rails db:drop|db:reset|db:drop:all|db:migrate:reset|db:schema:load
> |db:truncate_all|db:purge|db:setup
! bundle exec rails db:reset
= bundle exec rails db:version
django-flush: empty every table
> manage.py/django-admin flush|reset_db|sqlflush|reset_schema
! python manage.py flush --no-input
= python manage.py check
django-unmigrate: take migrations back
> manage.py/django-admin migrate zero
! python manage.py migrate shop zero
= python manage.py showmigrations
alembic-downgrade: take migrations back
> alembic downgrade
! alembic downgrade base
= alembic current
flask-downgrade: take migrations back
> flask db downgrade
! flask db downgrade
= flask db current
sequelize-drop: drop the database
> sequelize/sequelize-cli db:drop|db:migrate:undo|db:migrate:undo:all|db:seed:undo:all
! npx sequelize-cli db:drop
= npx sequelize-cli db:migrate:status
typeorm-drop: drop the schema
> typeorm/typeorm-ts-node-commonjs/typeorm-ts-node-esm schema:drop|migration:revert|schema:sync
! npx typeorm schema:drop -d src/data.ts
= npx typeorm migration:show -d src/data.ts
knex-rollback: take migrations back
> knex migrate:rollback|migrate:down
! npx knex migrate:rollback --all
= npx knex migrate:list
mikro-orm-drop: drop the schema
> mikro-orm schema:drop|schema:fresh|migration:fresh|migration:down|database:drop
! npx mikro-orm schema:fresh --run
= npx mikro-orm migration:list
laravel-fresh: drop every table
> artisan migrate:fresh|migrate:reset|migrate:refresh|migrate:rollback|db:wipe
! php artisan migrate:fresh --seed
= php artisan migrate:status
doctrine-drop: drop the database
> console doctrine:database:drop|doctrine:schema:drop|doctrine:schema:update
! php bin/console doctrine:schema:drop --force
= php bin/console doctrine:schema:validate
ecto-drop: drop the database
> mix ecto.drop|ecto.reset|ecto.rollback
! mix ecto.reset
= mix ecto.migrations
ef-drop: drop the database
> dotnet/dotnet-ef database drop
! dotnet ef database drop --force
= dotnet ef migrations list
flyway-clean: drop every object
> flyway clean
! flyway -url=$URL clean
= flyway info
flyway-clean-plugin: drop every object
> mvn/mvnw/gradle/gradlew flyway:clean|flywayclean
! ./gradlew flywayClean
= ./gradlew clean build
flyway-undo: take migrations back
> flyway undo
! flyway undo
= flyway validate
liquibase-drop: drop every object
> liquibase drop-all|dropall|rollback|rollback-count|rollbackcount|rollback-to-date
! liquibase --url=$URL drop-all
= liquibase status
supabase-reset: reset the linked database
> supabase db reset +--linked +--db-url
! supabase db reset --linked
= supabase db reset --local
golang-migrate-drop: drop everything
> migrate drop|down|force
! migrate -path db -database $URL drop -f
= migrate -path db -database $URL version
goose-down: take migrations back
> goose down|down-to|reset|redo
! goose postgres "$URL" reset
= goose postgres "$URL" status
dbmate-drop: drop the database
> dbmate drop|down|rollback
! dbmate drop
= dbmate status
sqlx-drop: drop the database
> sqlx/cargo-sqlx database drop|reset
! sqlx database reset -y
= sqlx migrate info
sqlx-revert: take migrations back
> sqlx/cargo-sqlx migrate revert
! sqlx migrate revert
= sqlx prepare --check
diesel-reset: drop the database
> diesel database reset|drop
! diesel database reset
= diesel database setup --help
diesel-revert: take migrations back
> diesel migration revert|redo
! diesel migration redo
= diesel migration list
atlas-clean: drop every object
> atlas schema clean
! atlas schema clean -u $URL --auto-approve
= atlas schema inspect -u $URL
atlas-apply: change the schema without a migration
> atlas schema apply
! atlas schema apply -u $URL --to file://s.hcl --auto-approve
= atlas schema diff --from $A --to $B
sqitch-revert: take migrations back
> sqitch revert|rebase
! sqitch revert -y
= sqitch status
hasura-down: take migrations back
> hasura migrate delete|apply +delete +--down
! hasura migrate apply --down all
= hasura migrate status
dropdb: drop a database
> dropdb
! dropdb --if-exists shop
= createdb shop
dropuser: drop a role
> dropuser
! dropuser app
= createuser app
pg-restore-clean: drop what it restores over
> pg_restore +--clean +-c
! pg_restore --clean -d shop dump.bin
= pg_restore --list dump.bin
sql-client: run SQL that destroys
> psql/mysql/mariadb/sqlite3/sqlcmd/cockroach/clickhouse-client/pgcli +drop +truncate +delete
! psql "$URL" -c "DROP TABLE users"
= psql "$URL" -c "SELECT count(*) FROM users"
mongo-drop: drop a database
> mongosh/mongo +db.dropdatabase +dropdatabase +deletemany
! mongosh $URL --eval "db.dropDatabase()"
= mongosh $URL --eval "db.stats()"
mongorestore-drop: drop collections
> mongorestore +--drop
! mongorestore --drop dump/
= mongorestore --dryRun dump/
redis-flush: empty the store
> redis-cli/valkey-cli flushall|flushdb
! redis-cli -u $URL FLUSHALL
= redis-cli -u $URL PING
turso-destroy: delete a database
> turso db|group destroy
! turso db destroy shop --yes
= turso db list
supabase-delete: delete a project or branch
> supabase projects|branches delete
! supabase branches delete staging
= supabase projects list
mysqladmin-drop: drop a database
> mysqladmin drop
! mysqladmin -f drop shop
= mysqladmin status
payload-fresh: drop every table
> payload migrate:fresh|migrate:reset|migrate:refresh|migrate:down
! npx payload migrate:fresh --force-accept-warning
= npx payload migrate:status
ace-fresh: drop every table
> ace migration:fresh|migration:reset|migration:refresh|migration:rollback|db:wipe|db:truncate
! node ace migration:fresh --force
= node ace migration:status
medusa-rollback: take migrations back
> medusa db:rollback
! npx medusa db:rollback shop
= npx medusa db:generate shop
cqlsh-drop: run SQL that destroys
> cqlsh +drop +truncate +delete
! cqlsh -e "DROP KEYSPACE shop"
= cqlsh -e "DESCRIBE KEYSPACES"
pgbackrest-delete: delete backups
> pgbackrest stanza-delete|expire
! pgbackrest --stanza=shop stanza-delete --force
= pgbackrest info
wal-g-delete: delete backups
> wal-g delete
! wal-g delete everything --confirm
= wal-g backup-list
barman-delete: delete backups
> barman delete
! barman delete shop oldest
= barman list-backups shop
restic-forget: delete backups
> restic forget|prune
! restic forget --keep-last 1 --prune
= restic snapshots
`;

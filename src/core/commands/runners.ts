/**
 * Migration runners: in a deploy path they migrate outside the watched folders.
 * The form of a row is said in commands.ts.
 */
export const runners: string = String.raw`
prisma-deploy: migrate the database
> prisma migrate deploy
! npx prisma migrate deploy
= npx prisma generate
prisma-push: change the schema without a migration
> prisma db push
! npx prisma db push
= npx prisma db pull
drizzle-push: change the schema without a migration
> drizzle-kit push|push:pg
! drizzle-kit push
= drizzle-kit studio
drizzle-migrate: migrate the database
> drizzle-kit migrate|up
! npx drizzle-kit migrate
= npx drizzle-kit generate
rails-migrate: migrate the database
> rails/rake db:migrate|db:prepare
! bin/rails db:migrate
= bin/rails routes
django-migrate: migrate the database
> manage.py/django-admin migrate
! python manage.py migrate
= python manage.py makemigrations --check
alembic-upgrade: migrate the database
> alembic upgrade !--sql
! alembic upgrade head
= alembic upgrade head --sql
flask-upgrade: migrate the database
> flask db upgrade !--sql
! flask db upgrade
= flask db heads
knex-migrate: migrate the database
> knex migrate:latest|migrate:up
! npx knex migrate:latest
= npx knex migrate:make x
sequelize-migrate: migrate the database
> sequelize/sequelize-cli db:migrate
! npx sequelize-cli db:migrate
= npx sequelize-cli init
typeorm-migrate: migrate the database
> typeorm/typeorm-ts-node-commonjs/typeorm-ts-node-esm migration:run
! npx typeorm migration:run
= npx typeorm migration:generate x
mikro-orm-migrate: migrate the database
> mikro-orm migration:up|schema:update
! npx mikro-orm migration:up
= npx mikro-orm migration:create
laravel-migrate: migrate the database
> artisan migrate !--pretend
! php artisan migrate --force
= php artisan migrate --pretend
doctrine-migrate: migrate the database
> console doctrine:migrations:migrate
! php bin/console doctrine:migrations:migrate
= php bin/console doctrine:migrations:list
ecto-migrate: migrate the database
> mix ecto.migrate
! mix ecto.migrate
= mix ecto.gen.migration x
ef-update: migrate the database
> dotnet/dotnet-ef database update
! dotnet ef database update
= dotnet ef migrations add x
flyway-migrate: migrate the database
> flyway/mvn/gradle/gradlew migrate|flyway:migrate|flywaymigrate
! flyway migrate
= flyway info
liquibase-update: migrate the database
> liquibase update|update-to-tag|update-count
! liquibase update
= liquibase update-sql
supabase-push: migrate the database
> supabase db push !--dry-run
! supabase db push
= supabase db push --dry-run
golang-migrate-up: migrate the database
> migrate up|goto
! migrate -path db -database $URL up
= migrate create -ext sql x
goose-up: migrate the database
> goose up|up-to|up-by-one
! goose postgres "$URL" up
= goose create x sql
dbmate-up: migrate the database
> dbmate up|migrate
! dbmate up
= dbmate new x
sqlx-run: migrate the database
> sqlx/cargo-sqlx migrate run
! sqlx migrate run
= sqlx migrate add x
diesel-run: migrate the database
> diesel migration run
! diesel migration run
= diesel migration generate x
atlas-migrate: migrate the database
> atlas migrate apply !--dry-run
! atlas migrate apply -u $URL
= atlas migrate lint --latest 1
sqitch-deploy: migrate the database
> sqitch deploy !--log-only
! sqitch deploy db:pg:shop
= sqitch plan
node-pg-migrate-up: migrate the database
> node-pg-migrate up|down|redo
! npx node-pg-migrate up
= npx node-pg-migrate create x
hasura-apply: migrate the database
> hasura migrate apply
! hasura migrate apply
= hasura console
psql-file: run SQL that no dry run has seen
> psql +-f +--file
! psql "$URL" -f deploy.sql
= psql "$URL" -c "SELECT 1"
`;

-- Run once by the database's owner, before `tagout migrate`: the login of the server. It is a
-- member of the three roles that the server takes on, and owns nothing, so that it cannot change
-- what it has written. The password comes from the environment of psql (version 15 or newer).
\getenv password TAGOUT_DATABASE_PASSWORD
create role tagout_app nologin;
create role tagout_sealer nologin;
create role tagout_report nologin;
create role tagout_server login password :'password'
  in role tagout_app, tagout_sealer, tagout_report;

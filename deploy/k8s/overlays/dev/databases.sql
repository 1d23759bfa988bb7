-- The roles and databases of the three services and of the gateway, by a psql script for an empty PostgreSQL 18: an owner who migrates, an
-- application and a worker who own nothing, and a database closed to everybody else. The twelve passwords come from the
-- environment. On a managed server run it as its administrator:  psql --set ON_ERROR_STOP=1 --file databases.sql

\getenv members_owner MEMBERS_OWNER_PASSWORD
\getenv members_app MEMBERS_APP_PASSWORD
\getenv members_worker MEMBERS_WORKER_PASSWORD
CREATE ROLE members_owner LOGIN NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE PASSWORD :'members_owner';
CREATE ROLE members_app LOGIN NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE PASSWORD :'members_app';
CREATE ROLE members_worker LOGIN NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE PASSWORD :'members_worker';
-- An administrator who is no superuser may give a database only to a role that it is a member of.
GRANT members_owner TO CURRENT_USER;
-- The builtin locale sorts the same on every machine, and knows Chinese letters as letters.
CREATE DATABASE hearth_members OWNER members_owner TEMPLATE template0 ENCODING 'UTF8'
    LOCALE_PROVIDER builtin BUILTIN_LOCALE 'C.UTF-8' LC_COLLATE 'C' LC_CTYPE 'C';
REVOKE CONNECT, TEMPORARY ON DATABASE hearth_members FROM PUBLIC;
GRANT CONNECT, TEMPORARY ON DATABASE hearth_members TO members_app, members_worker;

\getenv content_owner CONTENT_OWNER_PASSWORD
\getenv content_app CONTENT_APP_PASSWORD
\getenv content_worker CONTENT_WORKER_PASSWORD
CREATE ROLE content_owner LOGIN NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE PASSWORD :'content_owner';
CREATE ROLE content_app LOGIN NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE PASSWORD :'content_app';
CREATE ROLE content_worker LOGIN NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE PASSWORD :'content_worker';
GRANT content_owner TO CURRENT_USER;
CREATE DATABASE hearth_content OWNER content_owner TEMPLATE template0 ENCODING 'UTF8'
    LOCALE_PROVIDER builtin BUILTIN_LOCALE 'C.UTF-8' LC_COLLATE 'C' LC_CTYPE 'C';
REVOKE CONNECT, TEMPORARY ON DATABASE hearth_content FROM PUBLIC;
GRANT CONNECT, TEMPORARY ON DATABASE hearth_content TO content_app, content_worker;

\getenv engagement_owner ENGAGEMENT_OWNER_PASSWORD
\getenv engagement_app ENGAGEMENT_APP_PASSWORD
\getenv engagement_worker ENGAGEMENT_WORKER_PASSWORD
CREATE ROLE engagement_owner LOGIN NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE PASSWORD :'engagement_owner';
CREATE ROLE engagement_app LOGIN NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE PASSWORD :'engagement_app';
CREATE ROLE engagement_worker LOGIN NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE PASSWORD :'engagement_worker';
GRANT engagement_owner TO CURRENT_USER;
CREATE DATABASE hearth_engagement OWNER engagement_owner TEMPLATE template0 ENCODING 'UTF8'
    LOCALE_PROVIDER builtin BUILTIN_LOCALE 'C.UTF-8' LC_COLLATE 'C' LC_CTYPE 'C';
REVOKE CONNECT, TEMPORARY ON DATABASE hearth_engagement FROM PUBLIC;
GRANT CONNECT, TEMPORARY ON DATABASE hearth_engagement TO engagement_app, engagement_worker;

\getenv gateway_owner GATEWAY_OWNER_PASSWORD
\getenv gateway_app GATEWAY_APP_PASSWORD
\getenv gateway_worker GATEWAY_WORKER_PASSWORD
CREATE ROLE gateway_owner LOGIN NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE PASSWORD :'gateway_owner';
CREATE ROLE gateway_app LOGIN NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE PASSWORD :'gateway_app';
CREATE ROLE gateway_worker LOGIN NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE PASSWORD :'gateway_worker';
GRANT gateway_owner TO CURRENT_USER;
CREATE DATABASE hearth_gateway OWNER gateway_owner TEMPLATE template0 ENCODING 'UTF8'
    LOCALE_PROVIDER builtin BUILTIN_LOCALE 'C.UTF-8' LC_COLLATE 'C' LC_CTYPE 'C';
REVOKE CONNECT, TEMPORARY ON DATABASE hearth_gateway FROM PUBLIC;
GRANT CONNECT, TEMPORARY ON DATABASE hearth_gateway TO gateway_app, gateway_worker;

"""The workers' side of the database; the tables belong to the backend and its migrations."""

"""The format of backups: a plain tar file that proves that it is whole. See docs/backup.md."""

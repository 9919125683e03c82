"""Tables of pictures: CSV and JSON Lines with paths, Parquet with paths or with the bytes."""

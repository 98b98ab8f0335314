"""Pages, one folder per area. Areas do not import each other; what they share stands in this folder."""

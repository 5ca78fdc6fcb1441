"""What other programs reach alertd by."""

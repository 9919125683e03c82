"""Pictures that are copies of each other, or nearly."""

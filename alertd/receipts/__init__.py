"""What comes back after a message left: bounces, automatic answers, and answers of agencies, out of one mailbox."""
